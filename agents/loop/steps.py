"""A batch -> its next step, from whichever package contributes it, and doing that step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from workbench.artefacts.batch import Batch, Event, LoopStep, list_batches
from workbench.cli import call, receiving
from workbench.contributions import load_in_order
from workbench.errors import Conflict, Stopped, WorkbenchError
from workbench.files import locked
from workbench.messages import say
from workbench.settings import Settings
from workbench.start.demo import own_signals
from workbench.terminal import Report

CANCELLED = 128 + signal.SIGTERM
PASSED_ON = ("progress", "warning")


def next_step(batch: Batch) -> LoopStep | None:
    """The step that follows on the batch's state; None for one at its end."""
    state = batch.state
    for step in loop_steps():
        if step.after == state:
            return step
    return None


def loop_steps() -> list[LoopStep]:
    """The steps of all packages in their order."""
    return load_in_order("loop_steps")


def open_batch(settings: Settings) -> Batch | None:
    """The oldest batch that has not ended."""
    going = [batch for batch in list_batches(settings) if not batch.ended]
    return going[-1] if going else None


def do_next(batch: Batch, settings: Settings, report: Report) -> None:
    """Do the batch's next step; its facts say how it went.

    Raises Conflict while another process does it, WorkbenchError where the step fails, which then
    can be done again.
    """
    with _alone(batch):
        step = next_step(batch)
        if step is None:
            return
        try:
            facts = step.run(batch, settings, _Commands(report))
        except WorkbenchError as error:
            batch.update(problem=error.problem, fix=error.fix)
            raise
        now = datetime.now(UTC).isoformat(timespec="seconds")
        history = [*batch.facts.get("history", []), [step.title[0], now]]
        batch.update(problem="", fix="", history=history, **facts)


@contextmanager
def _alone(batch: Batch) -> Iterator[None]:
    from filelock import Timeout

    try:
        with locked(batch.folder, timeout=0):
            yield
    except Timeout as error:
        raise Conflict(
            say("A step of {name} is being done right now.", name=batch.name),
            "Wait for it, or cancel it first: workbench jobs list",
        ) from error


class _Commands:
    """Runs commands of any package in this process, and passes their progress on."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __call__(self, *words: Any) -> Event:
        """Raises WorkbenchError with the command's own problem where it fails."""
        texts = [str(word) for word in words]
        self._report({"event": "step", "command": " ".join(["workbench", *texts])})
        last: Event = {}

        def receive(line: Event) -> None:
            nonlocal last
            last = line
            if line.get("event") in PASSED_ON:
                with receiving(None):  # else the line would come back here
                    self._report(line)

        with own_signals():
            status = call(texts, receive)
        if status == CANCELLED:
            raise Stopped("The step was cancelled.", "Do it again to go on: workbench loop next")
        if status:
            problems = last.get("problems") or [last]
            problem = problems[0].get("problem") or say("The command ended without a reason.")
            raise WorkbenchError(problem, problems[0].get("fix", ""))
        return last
