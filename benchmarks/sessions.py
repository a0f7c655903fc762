"""Sessions of the app without a browser: each asks and redraws its answer as a page does.

    python benchmarks/sessions.py URL [SESSIONS] [SECONDS]

They load the server as people elsewhere do, and leave this machine's processors to it. As a program
they click: each opens one page after the other and waits a while in between; what a click takes is
printed, from the click to the end of the page's drawing, in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

LOOKED_EVERY = 1.0  # seconds, at most, between two looks at what is due
READS_FOR = 3.0  # seconds, about, that a person reads before the next click
PROTOCOL = websockets.Subprotocol("streamlit")


class Session:
    """One open page. `redraws` counts how often it has asked for its growing answer."""

    def __init__(self, url: str, question: str) -> None:
        self.asked = False
        self.redraws = 0
        self.left = threading.Event()
        self._url = url.replace("http", "ws", 1) + "/_stcore/stream"
        self._question = question
        self._query = ""
        self._box = ""  # id of the chat's box
        self._due: dict[str, tuple[float, float]] = {}  # fragment -> when, and how often

    async def run(self) -> None:
        """Open the page, ask once it is drawn, and follow the answer until `left` is set."""
        async with websockets.connect(
            self._url, subprotocols=[PROTOCOL], max_size=None
        ) as self._socket:
            await self._rerun()
            while not self.left.is_set():
                now = time.monotonic()
                next_due = min([now + LOOKED_EVERY, *(when for when, _ in self._due.values())])
                try:
                    data = await asyncio.wait_for(self._socket.recv(), max(0.01, next_due - now))
                    await self._take(ForwardMsg.FromString(data))
                except TimeoutError:
                    pass
                await self._redraw()

    async def _redraw(self) -> None:
        """Rerun the fragments that are due."""
        now = time.monotonic()
        for fragment, (when, interval) in list(self._due.items()):
            if now >= when:
                self._due[fragment] = (now + interval, interval)
                self.redraws += 1
                await self._rerun(fragment=fragment)

    async def _rerun(self, fragment: str = "", question: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = self._query
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
        if question:
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id = self._box
            widget.chat_input_value.data = question
        await self._socket.send(message.SerializeToString())

    async def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            interval = message.auto_rerun.interval
            self._due[message.auto_rerun.fragment_id] = (time.monotonic() + interval, interval)
        elif kind == "delta" and message.delta.new_element.HasField("chat_input"):
            self._box = message.delta.new_element.chat_input.id
        elif kind == "script_finished" and self._box and not self.asked:
            self.asked = True
            await self._rerun(question=self._question)


@contextmanager
def asking(url: str, question: str, count: int) -> Iterator[list[Session]]:
    """So many sessions that ask that question, for as long as the context lasts."""
    sessions = [Session(url, question) for _ in range(count)]

    async def run_all() -> None:
        await asyncio.gather(*(session.run() for session in sessions))

    thread = threading.Thread(target=lambda: asyncio.run(run_all()))
    thread.start()
    try:
        yield sessions
    finally:
        for session in sessions:
            session.left.set()
        thread.join()


class Clicker:
    """A person who opens one page of the app after the other. `clicks` has what each took."""

    def __init__(self, url: str, seed: int) -> None:
        self.clicks: list[float] = []
        self._url = url.replace("http", "ws", 1) + "/_stcore/stream"
        self._chance = random.Random(seed)
        self._pages: list[str] = []

    async def run(self, seconds: float) -> None:
        """Click until so many seconds have passed; the first page is no click."""
        end = time.monotonic() + seconds
        async with websockets.connect(self._url, subprotocols=[PROTOCOL], max_size=None) as socket:
            await self._open(socket, "")
            while time.monotonic() < end:
                await self._read(socket, READS_FOR * self._chance.uniform(0.5, 1.5))
                begun = time.monotonic()
                await self._open(socket, self._chance.choice(self._pages))
                self.clicks.append(time.monotonic() - begun)

    async def _open(self, socket: websockets.ClientConnection, page: str) -> None:
        """Ask for the page, and wait until it is drawn."""
        message = BackMsg()
        message.rerun_script.page_script_hash = page
        await socket.send(message.SerializeToString())
        begun = False
        while True:
            told = ForwardMsg.FromString(await socket.recv())
            kind = told.WhichOneof("type")
            if kind == "new_session":
                begun = True
            elif kind == "navigation":
                self._pages = [one.page_script_hash for one in told.navigation.app_pages]
            elif kind == "script_finished" and begun:
                return

    async def _read(self, socket: websockets.ClientConnection, seconds: float) -> None:
        """Look at the page; what it sends meanwhile is taken."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                await asyncio.wait_for(socket.recv(), end - time.monotonic())
            except TimeoutError:
                return


async def click(url: str, count: int, seconds: float) -> list[float]:
    """Seconds of every click of so many sessions at once."""
    people = [Clicker(url, seed) for seed in range(count)]
    await asyncio.gather(*(person.run(seconds) for person in people))
    return [took for person in people for took in person.clicks]


def main() -> None:
    """Click, and print one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("sessions", type=int, nargs="?", default=20)
    parser.add_argument("seconds", type=float, nargs="?", default=60)
    options = parser.parse_args()
    took = sorted(asyncio.run(click(options.url, options.sessions, options.seconds)))
    row = {"run": f"{options.sessions} sessions of the app", "clicks": len(took)}
    figures = {
        "click_s_p50": statistics.median(took),
        "click_s_p95": took[int(0.95 * (len(took) - 1))],
        "click_s_max": took[-1],
    }
    print(json.dumps(row | {name: round(value, 3) for name, value in figures.items()}), flush=True)


if __name__ == "__main__":
    main()
