"""The stages of an extension -> lines of progress, a few a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from workbench.progress import Pace, Plan

Report = Callable[[dict[str, Any]], None]

READING = "Reading the corpus"
LEARNING = "Learning new tokens"
CHECKING = "Checking every line"
FILLING = "Giving the new tokens their rows"
PLAN = Plan({READING: 3, LEARNING: 5, CHECKING: 6, FILLING: 6})


class Stages:
    """Says what goes on now; `done` of `of` are lines."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._began = time.monotonic()
        self._entered = self._began
        self._pace = Pace()
        self._stage = ""

    def enter(self, stage: str) -> None:
        self._stage = stage
        self._entered = time.monotonic()
        self._pace = Pace()
        self.tell(0, 1)

    def each(self, lines: Sequence[str]) -> Iterator[str]:
        """The lines one by one, with progress."""
        for number, line in enumerate(lines):
            self.tell(number, len(lines))
            yield line

    def tell(self, done: int, of: int) -> None:
        if not self._pace.is_due(last=done >= of):
            return
        now = time.monotonic()
        self._report(
            {
                "event": "progress",
                "stage": self._stage,
                "done": done,
                "of": of,
                "seconds": round(now - self._entered, 1),
                "elapsed": round(now - self._began, 1),
                **PLAN.place(self._stage),
            }
        )
