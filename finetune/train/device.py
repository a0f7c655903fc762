"""The machine and the run file -> the device to train on and the precision of the weights."""

from __future__ import annotations

import os
from typing import Any

from finetune.run.config import RunConfig
from finetune.run.processor import cpu_precision
from workbench.errors import InvalidInput
from workbench.messages import say


def choose_device(config: RunConfig, parameters: int) -> tuple[str, str]:
    """(cuda | mps | cpu, fp32 | bf16 | fp16) for a base of so many parameters.

    Raises InvalidInput for what the machine lacks.
    """
    import torch

    if torch.cuda.is_available():
        device = "cuda"
        _check_own_gpu(torch.cuda.device_count())
    elif torch.backends.mps.is_available():
        device = "mps"
    else:
        device = "cpu"
    return device, _choose_precision(config.training.precision, device, parameters)


def dtype_of(precision: str) -> Any:
    """The torch dtype of fp32, bf16 or fp16."""
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def _check_own_gpu(found: int) -> None:
    """Each process of this machine trains on a GPU of its own."""
    own = int(os.environ.get("LOCAL_RANK", 0))
    if own < found:
        return
    raise InvalidInput(
        say(
            "Process {own} has no GPU: this machine has {found}.",
            own=own + 1,
            found=found,
        ),
        say("Set processes = {found} under [training].", found=found),
    )


def _choose_precision(wanted: str, device: str, parameters: int) -> str:
    """As the run file says; else bf16 where the hardware has it and it is faster."""
    from transformers.utils import is_torch_bf16_gpu_available

    if wanted == "fp16" and device != "cuda":
        raise InvalidInput(
            say("fp16 does not train on {device}.", device=device),
            'Set precision = "auto" under [training].',
        )
    if device == "cpu":
        return cpu_precision(wanted, parameters)
    if wanted != "auto":
        return wanted
    if is_torch_bf16_gpu_available():
        return "bf16"
    return "fp16" if device == "cuda" else "fp32"
