"""The lock of a run's folder: one training at a time, and no deletion while it is trained."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from finetune.run.runs import Run
from finetune.train.processes import LAUNCHER, is_first
from workbench.errors import Conflict
from workbench.files import remove
from workbench.messages import say


@contextmanager
def only_training(run: Run) -> Iterator[None]:
    """Hold the run's lock; it goes with the process. Raises Conflict where another holds it."""
    from filelock import FileLock, Timeout

    if LAUNCHER in os.environ or not is_first():  # the process that started this one holds it
        yield
        return
    run.folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run.lock, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise Conflict(
            say("The run {name} is being trained right now.", name=run.name),
            "Wait for it, or cancel it first: workbench jobs list",
        ) from error
    try:
        yield
    finally:
        lock.release()


def delete_run(run: Run) -> None:
    """Delete the run with its adapter and checkpoints. Raises Conflict while it is trained."""
    with only_training(run):
        remove(run.folder)
