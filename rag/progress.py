"""What an ingest does -> events: one line of JSON each, or one step of a bar.

Every event has `stage`, a sentence that pages translate, `done` and `of` in the unit of its stage,
and `seconds` since the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PREPARING = "Making the embedder ready for this machine, once"
STARTING = "Starting workers"
WAITING = "Waiting for another job"
READING = "Reading files"
EMBEDDING = "Embedding passages"
CALIBRATING = "Learning how to weigh words and meaning"

Report = Callable[[dict[str, Any]], None]


class Progress:
    """Counts the files (or, without files, the passages) of one run and reports each step."""

    def __init__(self, report: Report, collection: str, total: int) -> None:
        self.done = 0
        self.total = total
        self._report = report
        self._collection = collection
        self._begun = time.monotonic()

    def preparing(self) -> None:
        """The embedder is used for the first time on this machine: one step."""
        event = {"event": "preparing", "collection": self._collection}
        self._report(event | self._fields(PREPARING, 0, 1))

    def waiting(self) -> None:
        """Another process writes to the workspace."""
        event = {"event": "waiting", "collection": self._collection}
        self._report(event | self._fields(WAITING, 0, self.total))

    def starting(self, ready: int, workers: int) -> None:
        """Workers of a cluster start, which takes about half a minute; so many are ready."""
        event = {"event": "starting", "collection": self._collection}
        self._report(event | self._fields(STARTING, ready, workers))

    def lost_worker(self, reason: str) -> None:
        """A worker died; what it was at is done again."""
        event = {"event": "worker_lost", "reason": reason}
        self._report(event | self._fields(READING, self.done, self.total))

    def calibrating(self) -> None:
        """The fusion learns its weights: one step."""
        event = {"event": "calibrating", "collection": self._collection}
        self._report(event | self._fields(CALIBRATING, 0, 1))

    def file(self, path: Path, state: str, **more: Any) -> None:
        """One more file is done: indexed, unchanged, empty or failed."""
        self.done += 1
        event = {
            "event": "progress",
            "file": str(path),
            "detail": path.name,
            "files": self.total,
            "state": state,
        }
        self._report(event | self._fields(READING, self.done, self.total) | more)

    def embedding(self, path: Path, passages: int, of: int) -> None:
        """Passages embedded of a batch so large that its files are not done for a while."""
        event = {
            "event": "progress",
            "file": str(path),
            "files": self.total,
            "files_done": self.done,
            "state": "embedding",
            "passages": passages,
        }
        self._report(event | self._fields(EMBEDDING, passages, of))

    def embedded(self, passages: int) -> None:
        """Passages embedded of the whole collection."""
        self._report({"event": "progress"} | self._fields(EMBEDDING, passages, self.total))

    def _fields(self, stage: str, done: int, of: int) -> dict[str, Any]:
        seconds = round(time.monotonic() - self._begun, 2)
        return {"stage": stage, "done": done, "of": of, "seconds": seconds}
