"""A checkpoint and a run's settings -> whether these processes can go on with it."""

from __future__ import annotations

from pathlib import Path

from finetune.parallel import row_of
from finetune.run.config import RunConfig
from workbench.errors import InvalidInput
from workbench.messages import say

# the file in which a checkpoint has its optimizer -> who shares the training so
OPTIMIZERS = {"latest": "deepspeed", "optimizer.bin": "fsdp", "optimizer.pt": "ddp"}


def check_sharing(checkpoint: Path, config: RunConfig) -> None:
    """Raise InvalidInput for a checkpoint whose optimizer these processes would not find.

    The trainer would begin with a new one, without a word. DeepSpeed writes a part for each
    process; ddp and fsdp write it whole, each in a way of its own.
    """
    row = row_of(config)
    now = config.training.processes
    kind = "ddp" if row is None else row.library or row.name
    written_as = kind_of(checkpoint)
    written_by = processes_of(checkpoint)
    same_number = now == written_by or row is None or row.any_number
    if written_as in (kind, "") and same_number:
        return
    raise InvalidInput(
        say(
            "{checkpoint} was written by {then} processes with {kind}, and {now} processes with "
            "parallel = {parallel!r} cannot go on with it.",
            checkpoint=checkpoint.name,
            then=written_by,
            kind=written_as,
            now=now,
            parallel=config.training.parallel,
        ),
        say(
            "Go on as it was written, with --processes {then}, or train again with --replace.",
            then=written_by,
        ),
    )


def kind_of(checkpoint: Path) -> str:
    """`ddp`, also of one process, `fsdp` or `deepspeed`; empty for one without an optimizer."""
    for file, kind in OPTIMIZERS.items():
        if (checkpoint / file).exists():
            return kind
    return ""


def processes_of(checkpoint: Path) -> int:
    """How many processes wrote it: each leaves the state of its random numbers."""
    return len(list(checkpoint.glob("rng_state*.pth")))
