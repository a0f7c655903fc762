"""A checkpoint and a run's settings -> whether this number of processes can go on with it."""

from __future__ import annotations

from pathlib import Path

from finetune.parallel import row_of
from finetune.run.config import RunConfig
from workbench.errors import InvalidInput
from workbench.messages import say

DEEPSPEED = "latest"  # the file of a checkpoint in which DeepSpeed names its own folder


def check_sharing(checkpoint: Path, config: RunConfig) -> None:
    """Raise InvalidInput for a checkpoint that is cut into another number of parts.

    DeepSpeed writes the optimizer in a part for each process; ddp and fsdp write it whole.
    """
    row = row_of(config)
    now = config.training.processes
    in_parts = (checkpoint / DEEPSPEED).exists()
    wants_parts = row is not None and not row.any_number
    written_by = processes_of(checkpoint)
    if not in_parts and not wants_parts:
        return
    if in_parts and wants_parts and written_by == now:
        return
    raise InvalidInput(
        say(
            "{checkpoint} was written by {then} processes, and {now} processes with parallel = "
            "{parallel!r} cannot go on with it.",
            checkpoint=checkpoint.name,
            then=written_by,
            now=now,
            parallel=config.training.parallel,
        ),
        say(
            "DeepSpeed's checkpoints go on with the same number of processes only: take "
            "--processes {then}, or train again with --replace.",
            then=written_by,
        ),
    )


def processes_of(checkpoint: Path) -> int:
    """How many processes wrote it: each leaves the state of its random numbers."""
    return len(list(checkpoint.glob("rng_state*.pth")))
