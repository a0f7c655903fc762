"""One line and one count of each key for several processes, kept by the process above them.

Each process holds one connection to a Unix socket, on which both sides write JSON, a line for each
message. A request has a number, which its replies name:

    {"enter": 3, "owner": …, "limits": [at once, of one, waiting]}  → {"of": 3, "place": 1}, …
                                                       or {"of": 3, "busy": [problem, fix, wait]}
    {"leave": 3}
    {"take": 4, "name": …, "per_minute": 120}                       → {"of": 4, "wait": 0.0}
    {"count": 5}                                                    → {"of": 5, "counts": [1, 0]}

The places of a process that has died are free as soon as its connection is closed. A process that
loses the connection ends: nobody would start it again, and it would keep the port.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from itertools import count
from pathlib import Path
from typing import Any

from agents.api.limits import Buckets
from workbench.chat.line import Limits, Line, Ticket
from workbench.errors import Busy, Unavailable
from workbench.messages import say

LOG = logging.getLogger("workbench.api")


class Keeper:
    """What the process above keeps for those below."""

    def __init__(self) -> None:
        self._line = Line()
        self._buckets = Buckets()

    async def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one process until it has gone."""
        tickets: dict[int, Ticket] = {}

        def tell(number: int, **facts: Any) -> None:
            writer.write(_line({"of": number, **facts}))

        try:
            async for text in reader:
                self._hear(json.loads(text), tickets, tell)
        finally:
            for ticket in tickets.values():
                ticket.close()
            writer.close()

    def _hear(
        self, asked: dict[str, Any], tickets: dict[int, Ticket], tell: Callable[..., None]
    ) -> None:
        if "enter" in asked:
            self._enter(asked, tickets, tell)
        elif "leave" in asked:
            ticket = tickets.pop(asked["leave"], None)
            if ticket:
                ticket.close()
        elif "take" in asked:
            tell(asked["take"], wait=self._buckets.take(asked["name"], asked["per_minute"]))
        else:
            tell(asked["count"], counts=[self._line.growing(), self._line.waiting()])

    def _enter(
        self, asked: dict[str, Any], tickets: dict[int, Ticket], tell: Callable[..., None]
    ) -> None:
        number = asked["enter"]

        def moved() -> None:
            if number in tickets:  # else it is being entered, and its place is told below
                tell(number, place=tickets[number].place)

        try:
            ticket = self._line.enter(asked["owner"], Limits(*asked["limits"]), moved)
        except Busy as busy:
            tell(number, busy=[str(busy.problem), str(busy.fix), busy.wait])
            return
        tickets[number] = ticket
        tell(number, place=ticket.place)


@contextmanager
def keeping(path: Path) -> Iterator[None]:
    """Keep the line at that socket, in a thread, while the block runs. Raises Unavailable."""
    with _looping() as loop:
        listening = asyncio.start_unix_server(Keeper().attend, path)
        try:
            server = asyncio.run_coroutine_threadsafe(listening, loop).result()
        except OSError as error:
            raise Unavailable(
                say("Several processes cannot meet at {path}: {error}", path=path, error=error),
                "Set TMPDIR to a folder with a short name, or leave out --processes.",
            ) from error
        try:
            yield
        finally:
            loop.call_soon_threadsafe(server.close)


@contextmanager
def _looping() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in a thread of its own: the caller's thread may have one that runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="line")
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Entered:
    """A place in the line above. What arrives for it arrives in the loop's thread."""

    def __init__(self, left: Callable[[], None], moved: Callable[[], None]) -> None:
        self.place = -1  # not told yet
        self._left = left
        self._moved = moved

    def move(self, place: int) -> None:
        self.place = place
        self._moved()

    def close(self) -> None:
        self._left()


class SharedAdmission:
    """The line and the counts that the process above keeps at that socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = count(1)
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._entered: dict[int, _Entered] = {}
        self._loop: asyncio.AbstractEventLoop
        self._writer: asyncio.StreamWriter

    def running(self) -> AbstractAsyncContextManager[None]:
        """Connected to the process above."""
        return self._running()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        reader, self._writer = await asyncio.open_unix_connection(self._path)
        listening = asyncio.create_task(self._listen(reader))
        try:
            yield
        finally:
            listening.cancel()
            self._writer.close()

    async def enter(self, owner: str, limits: Limits, moved: Callable[[], None]) -> _Entered:
        """Stand in the line of all processes. Raises Busy."""
        number = next(self._numbers)

        def leave() -> None:
            with suppress(RuntimeError):  # the loop has ended with the server
                self._loop.call_soon_threadsafe(self._leave, number)

        self._entered[number] = entered = _Entered(leave, moved)
        wanted = [limits.at_once, limits.of_one, limits.waiting]
        try:
            told = await self._ask(number, {"enter": number, "owner": owner, "limits": wanted})
        except asyncio.CancelledError:
            self._leave(number)
            raise
        if "busy" in told:
            del self._entered[number]
            raise Busy(*told["busy"])
        return entered

    async def take(self, name: str, per_minute: int) -> float:
        """Ask once by that key, whichever process has let it in before."""
        number = next(self._numbers)
        asked = {"take": number, "name": name, "per_minute": per_minute}
        return (await self._ask(number, asked))["wait"]

    async def counts(self) -> tuple[int, int]:
        """Those of all processes."""
        number = next(self._numbers)
        growing, waiting = (await self._ask(number, {"count": number}))["counts"]
        return growing, waiting

    async def _ask(self, number: int, asked: dict[str, Any]) -> dict[str, Any]:
        """The first reply."""
        self._replies[number] = self._loop.create_future()
        self._writer.write(_line(asked))
        try:
            return await self._replies[number]
        finally:
            del self._replies[number]

    def _leave(self, number: int) -> None:
        if self._entered.pop(number, None):
            self._writer.write(_line({"leave": number}))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        async for text in reader:
            told = json.loads(text)
            number = told["of"]
            if "place" in told and number in self._entered:
                self._entered[number].move(told["place"])
            reply = self._replies.get(number)
            if reply and not reply.done():
                reply.set_result(told)
        LOG.error("The process above has gone; this one ends too.")
        os.kill(os.getpid(), signal.SIGTERM)


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
