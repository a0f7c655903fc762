"""The attention of a training on a GPU: FlashAttention or PyTorch's own, by a short measurement."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finetune.encoding.batches import Collator
from finetune.run.config import RunConfig
from finetune.train.processes import any_of

# what the run file says -> transformers' name
NAMES = {"flash": "flash_attention_2", "sdpa": "sdpa"}
LAYERS = 2  # of the model that is measured, with weights at random
WARM = 2  # passes before the clock
TIMED = 4
PARTS = 4  # sequences of a packed row
Rows = list[dict[str, list[int]]]


def choose_attention(
    config: RunConfig, base: Path, device: str, dtype: Any, report: Callable[[dict[str, Any]], None]
) -> str:
    """transformers' name of the attention; empty for the library's own choice.

    Where the run file leaves it open and both can be had, two layers of the base learn a batch of
    the longest rows with each, and the faster one is taken.
    """
    from transformers.utils import is_flash_attn_2_available

    wanted = config.training.attention
    if wanted != "auto":
        return NAMES[wanted]
    # FlashAttention has kernels for half precision only
    if device != "cuda" or dtype.itemsize != 2 or not is_flash_attn_2_available():
        return ""
    rows = sample_rows(config)
    seconds = {name: measure(base, NAMES[name], rows, device, dtype) for name in NAMES}
    flash_is_faster = any_of(seconds["flash"] < seconds["sdpa"])  # all processes take one
    chosen = "flash" if flash_is_faster else "sdpa"
    milliseconds = {name: round(value * 1000, 2) for name, value in seconds.items()}
    report({"event": "attention", "chosen": chosen, "milliseconds": milliseconds})
    return NAMES[chosen]


def sample_rows(config: RunConfig) -> Rows:
    """A batch of rows as long as the run file allows; a packed row has several sequences."""
    length = config.data.max_length
    parts = [length]
    if config.training.packing and length >= PARTS:
        parts = [length // PARTS] * PARTS
    size = sum(parts)
    row = {"input_ids": [1] * size, "labels": [1] * size, "seq_lengths": parts}
    return [row] * config.training.batch


def measure(base: Path, attention: str, rows: Rows, device: str, dtype: Any) -> float:
    """Seconds of a pass forward and backward; infinity where this attention does not run."""
    from transformers import AutoConfig, AutoModel

    settings = AutoConfig.from_pretrained(str(base)).get_text_config()
    settings.num_hidden_layers = LAYERS
    if getattr(settings, "layer_types", None):
        settings.layer_types = settings.layer_types[:LAYERS]
    try:
        model: Any = AutoModel.from_config(settings, attn_implementation=attention)
        model = model.to(device, dtype).train()
        batch = _batch(attention, rows, device)
        return _time(model, batch, device)
    except (ImportError, RuntimeError, ValueError):  # its kernels lack this GPU or this head size
        return float("inf")


def _batch(attention: str, rows: Rows, device: str) -> dict[str, Any]:
    """As the training makes it for that attention, without labels."""
    batch = collator_for(attention, pad=0)(rows)
    batch.pop("labels")
    return {
        name: value.to(device) if hasattr(value, "to") else value for name, value in batch.items()
    }


def collator_for(attention: str, pad: int) -> Any:
    """FlashAttention wants one long row; all others want rows apart, which cost less."""
    if not attention.startswith("flash"):
        return Collator(pad)
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    return DataCollatorForLanguageModeling(pad_token_id=pad, padding_free=True)


def _time(model: Any, batch: dict[str, Any], device: str) -> float:
    import torch

    began = 0.0
    for number in range(WARM + TIMED):
        if number == WARM:
            _wait(device)
            began = time.perf_counter()
        model(**batch, use_cache=False).last_hidden_state.float().mean().backward()
        model.zero_grad(set_to_none=True)
    _wait(device)
    seconds = (time.perf_counter() - began) / TIMED
    del model
    if device == "cuda":
        torch.cuda.empty_cache()
    return seconds


def _wait(device: str) -> None:
    """Until the GPU has done what it was given."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
