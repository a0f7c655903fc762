"""How several processes share a training: one row each. `check` and `train` read this table.

A row is chosen by `parallel` under [training]; one process alone shares nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.messages import Message, say


@dataclass(frozen=True)
class Parallel:
    """A row."""

    name: str

    wraps: str
    """The class that the model is wrapped in or becomes a kind of; another one is an error."""

    arguments: Callable[[], dict[str, Any]]
    """What the trainer's arguments get."""

    library: str = ""
    """What it needs installed; the extra has the same name."""

    not_on_a_processor: Message | None = None
    """Why it does not train without a GPU."""

    any_number: bool = True
    """Whether a checkpoint goes on with another number of processes that share so."""

    whole: bool = True
    """Whether each process holds all weights; else they are gathered to be saved."""


def _ddp() -> dict[str, Any]:
    return {"ddp_find_unused_parameters": False}


def _fsdp() -> dict[str, Any]:
    settings = {
        "version": 2,
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "state_dict_type": "FULL_STATE_DICT",  # a checkpoint of any number of processes
        "reshard_after_forward": True,
    }
    return {"fsdp": True, "fsdp_config": settings}


def _zero(stage: int) -> dict[str, Any]:
    """DeepSpeed's settings; `auto` is taken from the trainer's arguments."""
    settings = {
        "zero_optimization": {
            "stage": stage,
            "overlap_comm": True,
            "contiguous_gradients": True,
            "stage3_gather_16bit_weights_on_model_save": stage == 3,
        },
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "bf16": {"enabled": "auto"},
        "fp16": {"enabled": "auto"},
        "zero_allow_untested_optimizer": True,
    }
    return {"deepspeed": settings}


PARALLEL: dict[str, Parallel] = {
    row.name: row
    for row in (
        Parallel("ddp", wraps="DistributedDataParallel", arguments=_ddp),
        Parallel(
            "fsdp",
            wraps="FSDPModule",
            arguments=_fsdp,
            whole=False,
            not_on_a_processor=say(
                "on a processor accelerate takes fsdp for ddp without a word: no weights are shared"
            ),
        ),
        Parallel(
            "zero2",
            wraps="DeepSpeedEngine",
            arguments=lambda: _zero(2),
            library="deepspeed",
            any_number=False,
        ),
        Parallel(
            "zero3",
            wraps="DeepSpeedEngine",
            arguments=lambda: _zero(3),
            library="deepspeed",
            any_number=False,
            whole=False,
            not_on_a_processor=say("DeepSpeed shares the weights among GPUs only"),
        ),
    )
}
"""Name -> row; the first is the default."""


def row_of(config: Any) -> Parallel | None:
    """The row of a run's config; None where one process trains alone."""
    training = config.training
    return PARALLEL[training.parallel] if training.processes > 1 else None


def holds_all_weights(config: Any) -> bool:
    """Whether each process of the training holds all weights of the model."""
    row = row_of(config)
    return row is None or row.whole
