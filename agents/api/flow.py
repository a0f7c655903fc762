"""A generator that blocks -> its items for one async reader, whose leaving stops it.

It begins once it is its turn in the line of all answers, and nothing of it takes a thread before.
Then it runs in one thread from its first line to its last: it may hold locks and connections that
belong to a thread. A reader that leaves early lets it be closed at its next item; only then is its
place free for others, so there are never more threads than answers may grow at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing, suppress
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, TypeVar

from agents.api.admission import Admission, Entered
from agents.api.threads import Threads
from workbench.chat.events import Beat, Waiting
from workbench.chat.line import LOOKED_EVERY, limits_of, owner_of
from workbench.settings import Settings

THREADS = Threads("api-answer")
Item = TypeVar("Item")
END = object()


class Flow(Generic[Item]):
    """One answer that stands in the line. Read it once, and `leave` it whatever happens."""

    def __init__(self, make: Callable[[], Generator[Item, None, None]]) -> None:
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Any] = asyncio.Queue()
        self._moved = asyncio.Event()
        self._left = threading.Event()
        self._runs = False
        self._put_last = 0.0  # time.monotonic()
        self._ticket: Entered

    @classmethod
    async def entered(
        cls,
        make: Callable[[], Generator[Item, None, None]],
        settings: Settings,
        admission: Admission,
    ) -> Flow[Item]:
        """The answer, once it has a place. Raises Busy where the line is full."""
        flow = cls(make)
        owner, limits = owner_of(settings), limits_of(settings)
        flow._ticket = await admission.enter(owner, limits, flow._tell)
        return flow

    def leave(self) -> None:
        """Nobody reads any more: the generator is closed at its next item, or never begins."""
        self._left.set()
        if not self._runs:
            self._ticket.close()

    async def items(self) -> AsyncGenerator[Item | Beat, None]:
        """The places in the line as Waiting, then each item as it comes.

        Raises what the generator raises; closing this leaves it.
        """
        try:
            async for place in self._places():
                yield place
            self._begin()
            while True:
                item = await self._items.get()
                if item is END:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.leave()

    async def _places(self) -> AsyncGenerator[Beat, None]:
        """A Waiting at each change of the place, 0 at last, and beats between."""
        told = 0
        place = self._ticket.place
        while place:
            yield Waiting(place) if place != told else Beat()
            told = place
            with suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), LOOKED_EVERY)
            self._moved.clear()
            place = self._ticket.place
        if told:
            yield Waiting(0)

    def _begin(self) -> None:
        self._runs = True
        # in the request's context: what it traces belongs to the request
        THREADS.run(partial(copy_context().run, self._run))

    def _run(self) -> None:
        try:
            with closing(self._ticket), closing(self._make()) as items:
                for item in items:
                    if self._left.is_set():
                        return
                    if not isinstance(item, Beat) or self._is_silent():
                        self._put(item)
            self._put(END)
        except BaseException as error:  # noqa: BLE001 – it is raised again where it is read
            self._put(error)

    def _is_silent(self) -> bool:
        """Whether the reader has heard nothing for long: else a beat is for this thread alone."""
        return time.monotonic() - self._put_last > LOOKED_EVERY

    def _put(self, item: Any) -> None:
        self._put_last = time.monotonic()
        with suppress(RuntimeError):  # the loop has ended with the server
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    def _tell(self) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._moved.set)
