"""The one shape of progress: a JSON line of a long command <-> stage, done, of, seconds.

Every long command prints lines with these fields beside its own:

    {"event": "progress", "stage": "Training", "done": 40, "of": 336, "seconds": 12.5}

`stage` says in English what goes on now; pages translate it. `done` of `of` equal parts are done;
without `of` the length is not known. `share` (0 to 1) is how far the next part is, `seconds` how
long the stage has taken. A line of another event may carry them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KNOWN_AFTER = 3  # seconds until the time left is worth saying


@dataclass(frozen=True)
class Progress:
    """How far a stage is."""

    stage: str
    done: float = 0
    of: float = 0
    share: float = 0
    seconds: float = 0

    @property
    def fraction(self) -> float:
        """0 to 1; 0 while the length is not known."""
        if not self.of:
            return 0.0
        return min(1.0, (self.done + self.share) / self.of)

    @property
    def seconds_left(self) -> float | None:
        """By the pace so far, or None while that says little."""
        if not self.fraction or self.seconds <= KNOWN_AFTER:
            return None
        return self.seconds / self.fraction * (1 - self.fraction)


def read_progress(line: Mapping[str, Any]) -> Progress | None:
    """The progress in a JSON line, or None where it has no stage."""
    if "stage" not in line:
        return None
    numbers = {name: line[name] for name in ("done", "of", "share", "seconds") if name in line}
    return Progress(line["stage"], **numbers)
