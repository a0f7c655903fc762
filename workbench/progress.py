"""The one shape of progress: a JSON line of a long command <-> stage, done, of, seconds.

Every long command prints lines with these fields beside its own:

    {"event": "progress", "stage": "Training", "done": 40, "of": 336, "seconds": 12.5}

`stage` says in English what goes on now; pages translate it. `done` of `of` equal parts are done;
without `of` the length is not known. `share` (0 to 1) is how far the next part is, `seconds` how
long the stage has taken. A line of another event may carry them too.

A command of several stages says where this one stands, so that one bar can show them all:

    {"number": 2, "stages": 4, "begin": 0.1, "end": 0.6, "elapsed": 41.0}

The stage is the second of four, takes the bar from a tenth to six tenths, and the whole command has
run for 41 seconds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SAID_EVERY = 0.3  # seconds between two lines
KNOWN_AFTER = 3  # seconds until the time left is worth saying
KNOWN_FROM = 0.05  # share of a whole command, likewise
NUMBERS = ("done", "of", "share", "seconds", "number", "stages", "begin", "end", "elapsed")


@dataclass(frozen=True)
class Progress:
    """How far a stage is, and where it stands in its command."""

    stage: str
    done: float = 0
    of: float = 0
    share: float = 0
    seconds: float = 0
    number: int = 0
    stages: int = 0
    begin: float = 0
    end: float = 1
    elapsed: float = 0

    @property
    def whole(self) -> float:
        """0 to 1: how far the whole command is."""
        return self.begin + (self.end - self.begin) * self.fraction

    @property
    def fraction(self) -> float:
        """0 to 1: how far the stage is; 0 while its length is not known."""
        if not self.of:
            return 0.0
        return min(1.0, (self.done + self.share) / self.of)

    @property
    def seconds_left(self) -> float | None:
        """By the pace so far, or None while that says little.

        Of the whole command where its time is known, else of the stage.
        """
        if self.elapsed:
            return _left(self.elapsed, self.whole) if self.whole >= KNOWN_FROM else None
        return _left(self.seconds, self.fraction)


class Plan:
    """The stages of one command, in their order, each with the seconds that it took once.

    Only their ratios count: the pace is measured while the command runs.
    """

    def __init__(self, stages: Mapping[str, float]) -> None:
        self._names = list(stages)
        self._seconds = list(stages.values())

    def place(self, stage: str) -> dict[str, float]:
        """The fields of a line that say where the stage stands; none for one not planned."""
        if stage not in self._names:
            return {}
        index = self._names.index(stage)
        before = sum(self._seconds[:index])
        in_all = sum(self._seconds)
        return {
            "number": index + 1,
            "stages": len(self._names),
            "begin": round(before / in_all, 4),
            "end": round((before + self._seconds[index]) / in_all, 4),
        }


class Pace:
    """When the next line of progress is due: a few a second are enough."""

    def __init__(self) -> None:
        self._said = 0.0

    def is_due(self, *, last: bool = False) -> bool:
        """Whether a line is said now; the `last` one of a stage always is."""
        now = time.monotonic()
        if now - self._said < SAID_EVERY and not last:
            return False
        self._said = now
        return True


def read_progress(line: Mapping[str, Any]) -> Progress | None:
    """The progress in a JSON line, or None where it has no stage."""
    if "stage" not in line:
        return None
    numbers = {name: line[name] for name in NUMBERS if name in line}
    return Progress(line["stage"], **numbers)


def _left(seconds: float, share: float) -> float | None:
    """Seconds that the rest takes at the pace so far."""
    if not share or seconds <= KNOWN_AFTER:
        return None
    return seconds / share * (1 - share)
