"""Parts -> passages and vectors by workers that may die; what one was at is done again.

A part that has ended two workers is cut into its files; a file that has ended three is set aside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from rag.engines.parts import Embedded, Part, as_failed
from rag.progress import Progress
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say

WHOLE_TRIES = 2  # workers that a part of several files may end
TRIES = 3  # workers that one file may end
FAILED_STARTS = 3  # workers in a row that die before they are ready

BROKE_WORKERS = InvalidInput(
    "Every worker that read the file died: it needs more memory than a worker has, or is damaged.",
    "Split it, or read it on one machine: the same command without --engine.",
)


class WorkerLost(Exception):
    """The worker of a task is dead; the text says what is known of it."""


class Workers(Protocol):
    """Where workers live. A worker does one task at a time; tasks can be keys of a dict."""

    def start(self) -> tuple[Any, Hashable]:
        """A new worker, and the task that is done once it is ready."""
        ...

    def give(self, worker: Any, part: Part) -> Hashable:
        """Let the worker read and embed the part."""
        ...

    def wait(self, tasks: Sequence[Hashable]) -> Sequence[Hashable]:
        """Wait until at least one of the tasks is done or its worker lost; those."""
        ...

    def result(self, task: Any) -> Embedded | None:
        """What a done task has made: of a part, its passages; of a start, nothing.

        Raises WorkerLost, and WorkbenchError where the worker cannot do it.
        """
        ...


class Crew:
    """At most `count` workers at a time, each of which gets its next part when it has done one."""

    def __init__(self, workers: Workers, count: int, progress: Progress, dimension: int) -> None:
        self._workers = workers
        self._count = count
        self._progress = progress
        self._dimension = dimension
        self._tasks: dict[Hashable, tuple[Any, Part | None]] = {}  # no part: it starts
        self._idle: list[Any] = []
        self._waiting: deque[Part] = deque()
        self._failed_starts = 0
        self._ready = 0

    def run(self, parts: Iterable[Part]) -> Iterator[Embedded]:
        """Each part once, as they are done. Raises Unavailable where no worker can be had."""
        self._waiting.extend(parts)
        count = min(self._count, len(self._waiting))
        for _ in range(count):
            self._start()
        self._progress.starting(0, count)
        while self._waiting or self._at_work():
            for task in self._workers.wait(list(self._tasks)):
                worker, part = self._tasks.pop(task)
                try:
                    made = self._workers.result(task)
                except WorkerLost as lost:
                    set_aside = self._after_loss(part, lost)
                    if set_aside:
                        yield set_aside
                    continue
                if made is None:
                    self._failed_starts = 0
                    self._ready += 1
                    if self._ready <= count:  # else in the place of a lost one
                        self._progress.starting(self._ready, count)
                self._idle.append(worker)
                self._hand_out()  # before the caller takes time to write what was made
                if made is not None:
                    yield made

    def _at_work(self) -> bool:
        return any(part is not None for _, part in self._tasks.values())

    def _start(self) -> None:
        worker, task = self._workers.start()
        self._tasks[task] = (worker, None)

    def _hand_out(self) -> None:
        while self._idle and self._waiting:
            worker, part = self._idle.pop(), self._waiting.popleft()
            self._tasks[self._workers.give(worker, part)] = (worker, part)

    def _after_loss(self, part: Part | None, lost: WorkerLost) -> Embedded | None:
        """Put the part back, and another worker in the place of the lost one.

        A file that has ended too many workers comes back as failed.
        """
        self._progress.lost_worker(str(lost))
        if part is None:
            self._failed_starts += 1
        set_aside = self._put_back(part) if part else None
        if self._failed_starts < FAILED_STARTS:
            self._start()
        elif not self._tasks and not self._idle:
            raise Unavailable(
                say("No worker of the cluster becomes ready: {reason}", reason=str(lost)),
                "Look at the cluster's logs: each worker takes about 1 GB of memory.",
            ) from lost
        self._hand_out()
        return set_aside

    def _put_back(self, part: Part) -> Embedded | None:
        part = replace(part, tries=part.tries + 1)
        if len(part.documents) == 1 and part.tries >= TRIES:
            failed = [as_failed(part.documents[0], BROKE_WORKERS)]
            return Embedded(failed, [], np.zeros((0, self._dimension), np.float32))
        if part.tries < WHOLE_TRIES:
            self._waiting.appendleft(part)
        else:
            self._waiting.extendleft(reversed(part.one_by_one()))
        return None
