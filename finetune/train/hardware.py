"""The device, the precision and the processes -> the trainer's arguments for them."""

from __future__ import annotations

import os
from typing import Any

from finetune.parallel import row_of
from finetune.run.config import RunConfig


def hardware_arguments(config: RunConfig, device: str, precision: str) -> dict[str, Any]:
    """What every task's arguments have of the hardware."""
    training = config.training
    arguments: dict[str, Any] = {
        "use_cpu": device == "cpu",
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "activation_checkpointing": training.gradient_checkpointing,
        "dataloader_pin_memory": device == "cuda",
        "torch_compile": training.compile,
        "use_liger_kernel": training.liger,
    }
    row = row_of(config)
    if row:
        arguments |= row.arguments()
        if row.library == "deepspeed" and device == "cpu":
            _spare_compilation()
    return arguments


def _spare_compilation() -> None:
    """Let DeepSpeed exchange by gloo on a processor.

    Its own exchange is compiled by g++ for a minute, and a machine without g++ could not train.
    """
    os.environ.setdefault("DS_ACCELERATOR", "cpu")
    from deepspeed import ops

    ops.__compatible_ops__["deepspeed_shm_comm"] = False
