"""Answers that grow side by side: Stop ends one at once, whatever it waits for, and none is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.chat.conversations import Conversations
from workbench.chat.events import Beat, Done, Event, Thought, Token
from workbench.chat.streams import Stream, Streams
from workbench.errors import Unavailable

AT_ONCE = 0.5  # seconds within which Stop must have ended an answer
SESSIONS = 20


@pytest.fixture
def conversations(tmp_path: Path) -> Conversations:
    return Conversations(tmp_path / "workbench.db")


def begun(conversations: Conversations) -> int:
    chat = conversations.create("a question")
    conversations.add(chat, "user", "a question")
    return conversations.add(chat, "assistant", "", state="streaming")


class Silence:
    """A server that takes a connection and says nothing until it is told to."""

    def __enter__(self) -> Silence:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.client = socket.create_connection(self._server.getsockname())
        self._peer, _ = self._server.accept()
        return self

    def speak(self) -> None:
        self._peer.sendall(b"late")

    def __exit__(self, *_: object) -> None:
        for part in (self.client, self._peer, self._server):
            part.close()


@pytest.mark.parametrize(
    "before",
    [[], [Beat()], [Thought("hm")], [Thought("hm"), Token("one "), Token("two")]],
    ids=["nothing yet", "reading files", "thinking", "in the text"],
)
def test_stop_ends_an_answer_whose_thread_waits_for_a_server(
    conversations: Conversations, before: list[Event]
) -> None:
    message = begun(conversations)
    closed = threading.Event()
    waits = threading.Event()
    with Silence() as server:

        def blocked() -> Iterator[Event]:
            try:
                yield from before
                waits.set()
                yield Token(server.client.recv(10).decode())
                yield Done("late", 1.0)
            finally:
                closed.set()

        stream = Stream(conversations, message, blocked)
        assert waits.wait(5)
        pressed = time.monotonic()
        stream.stop()
        assert stream.ended.is_set() and time.monotonic() - pressed < AT_ONCE
        stopped = conversations.message(message)
        assert stopped.state == "stopped"
        server.speak()
        assert closed.wait(5)  # the agent is told, as soon as its thread wakes
    later = conversations.message(message)
    assert later == stopped and "late" not in later.content
    assert later.content == "".join(event.text for event in before if isinstance(event, Token))


def test_another_process_stops_an_answer_which_keeps_what_it_has(
    conversations: Conversations,
) -> None:
    message = begun(conversations)
    closed = threading.Event()

    def endless() -> Iterator[Event]:
        try:
            while True:
                yield Token("word ")
                time.sleep(0.01)
        finally:
            closed.set()

    stream = Stream(conversations, message, endless)
    while not conversations.message(message).content:
        time.sleep(0.01)
    conversations.stop(message)
    assert closed.wait(5) and stream.ended.wait(5)
    stopped = conversations.message(message)
    assert stopped.state == "stopped" and stopped.content.startswith("word word ")
    conversations.stop(message)
    assert conversations.message(message) == stopped


def test_an_error_after_stop_changes_nothing(conversations: Conversations) -> None:
    message = begun(conversations)
    goes_on = threading.Event()

    def failing() -> Iterator[Event]:
        yield Token("kept")
        assert goes_on.wait(5)
        raise Unavailable("The server is gone.", "Start it.")

    stream = Stream(conversations, message, failing)
    while not stream.events:
        time.sleep(0.01)
    stream.stop()
    goes_on.set()
    stream._thread.join(5)
    stored = conversations.message(message)
    assert (stored.content, stored.state) == ("kept", "stopped")


def test_twenty_answers_at_once_lose_nothing(conversations: Conversations) -> None:
    streams = Streams()
    together = threading.Barrier(SESSIONS)
    messages = [begun(conversations) for _ in range(SESSIONS)]

    def slow(number: int) -> Iterator[Event]:
        together.wait(10)  # all of them are at work before one goes on
        for word in range(12):
            time.sleep(0.05)
            yield Token(f"{number}:{word} ")
        yield Done("slow", 0.6)

    for number, message in enumerate(messages):
        streams.start(conversations, message, lambda number=number: slow(number))
    looks = []
    for message in messages:
        stream = streams.get(conversations, message)
        while stream and not stream.ended.wait(0.05):
            begins = time.monotonic()
            conversations.messages(conversations.message(message).conversation)
            looks.append(time.monotonic() - begins)
    for number, message in enumerate(messages):
        stored = conversations.message(message)
        assert stored.state == "done" and isinstance(stored.events[-1], Done)
        assert stored.content == "".join(f"{number}:{word} " for word in range(12))
    assert looks and max(looks) < 2
