"""A generator that blocks -> its items for one async reader, whose leaving stops it.

The generator runs in one thread from its first line to its last: it may hold locks and connections
that belong to a thread. A reader that leaves early lets it be closed at its next item.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing, suppress
from contextvars import copy_context
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
END = object()


class Flow(Generic[Item]):
    """One running generator. Make it inside a running loop, and read it once."""

    def __init__(self, make: Callable[[], Generator[Item, None, None]], name: str) -> None:
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[Any] = asyncio.Queue()
        self._left = threading.Event()
        # in the request's context: what it traces belongs to the request
        run = (self._run,)
        threading.Thread(target=copy_context().run, args=run, name=name, daemon=True).start()

    def leave(self) -> None:
        """Nobody reads any more: the generator is closed at its next item."""
        self._left.set()

    async def items(self) -> AsyncGenerator[Item, None]:
        """Each as it comes. Raises what the generator raises; closing this leaves it."""
        try:
            while True:
                item = await self._items.get()
                if item is END:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.leave()

    def _run(self) -> None:
        try:
            with closing(self._make()) as items:
                for item in items:
                    if self._left.is_set():
                        return
                    self._put(item)
            self._put(END)
        except BaseException as error:  # noqa: BLE001 – it is raised again where it is read
            self._put(error)

    def _put(self, item: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended with the server
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
