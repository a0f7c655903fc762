"""Who may begin an answer now, and how often a key may ask: for all processes of one server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from agents.api.limits import Buckets
from workbench.chat.line import LINE, Limits


class Entered(Protocol):
    """A place in the line, then the right to answer; 0 is the place of who may begin."""

    @property
    def place(self) -> int:
        """How many have their turn before."""

    def close(self) -> None:
        """Leave the line, or end the answer; any thread may, and more than once."""


class Admission(Protocol):
    """What every process of a server asks before it answers."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Hold it open while the server runs."""

    async def enter(self, owner: str, limits: Limits, moved: Callable[[], None]) -> Entered:
        """Stand in the line; `moved` is called at each change of the place. Raises Busy."""

    async def take(self, name: str, per_minute: int) -> float:
        """Ask once by that key. Returns 0, or the seconds until it may."""

    async def counts(self) -> tuple[int, int]:
        """How many answers grow, and how many questions wait."""


class OneProcess:
    """The line and the counts of this process, which is the whole server."""

    def __init__(self) -> None:
        self._buckets = Buckets()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Nothing has to be held."""
        return nullcontext()

    async def enter(self, owner: str, limits: Limits, moved: Callable[[], None]) -> Entered:
        """Stand in the line that the app of this process stands in too."""
        return LINE.enter(owner, limits, moved)

    async def take(self, name: str, per_minute: int) -> float:
        """Ask once by that key."""
        return self._buckets.take(name, per_minute)

    async def counts(self) -> tuple[int, int]:
        """Those of this process."""
        return LINE.growing(), LINE.waiting()
