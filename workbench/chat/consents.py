"""What a growing answer asks a person before it goes on, and what the person decides.

name = CONSENTS.ask()                # the answer's thread; the name goes into an event
CONSENTS.decide(name, "once")        # the page or the command line
CONSENTS.verdict(name)               # None until then
"""

from __future__ import annotations

import threading
from typing import Literal
from uuid import uuid4

Verdict = Literal["once", "always", "no"]


class Consents:
    """The open questions of this process and their verdicts."""

    def __init__(self) -> None:
        self._verdicts: dict[str, Verdict | None] = {}
        self._lock = threading.Lock()

    def ask(self) -> str:
        """A new question; returns the name by which it is decided."""
        name = uuid4().hex
        with self._lock:
            self._verdicts[name] = None
        return name

    def decide(self, name: str, verdict: Verdict) -> None:
        """The first verdict counts; one on a question that nobody waits for is dropped."""
        with self._lock:
            if name in self._verdicts and self._verdicts[name] is None:
                self._verdicts[name] = verdict

    def verdict(self, name: str) -> Verdict | None:
        """What was decided; None while nobody has."""
        return self._verdicts.get(name)

    def is_open(self, name: str) -> bool:
        """Whether an answer of this process waits for that verdict."""
        return name in self._verdicts and self._verdicts[name] is None

    def forget(self, name: str) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._verdicts.pop(name, None)


CONSENTS = Consents()
