"""Sessions of the app without a browser: each asks and redraws its answer as a page does.

They load the server as people elsewhere do, and leave this machine's processors to it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

LOOKED_EVERY = 1.0  # seconds, at most, between two looks at what is due


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
            self._url, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None
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
