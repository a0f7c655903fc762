"""Threads that are kept for the next answer, so that a loop that starts one never waits for it.

Starting a thread waits until it runs, and where many run already that takes milliseconds in which
nothing else of the loop goes on. There are as many as answers have grown at once. They are daemons:
an answer that waits for a silent server does not keep the program from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], None]


class Threads:
    """Runs each piece of work in a thread of its own; the work raises nothing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[Work] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0

    def run(self, work: Work) -> None:
        """Begin it at once."""
        with self._lock:
            one_waits = self._idle > 0
            self._idle -= one_waits
        self._work.put(work)
        if not one_waits:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()

    def idle(self) -> int:
        """How many threads wait for work."""
        return self._idle

    def _serve(self) -> None:
        while True:
            self._work.get()()
            with self._lock:
                self._idle += 1
