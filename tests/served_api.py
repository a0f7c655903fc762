"""The HTTP API on a free port in a thread, and an agent whose answers have all that an answer can."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from tool_model import Reply, results_in

from agents.api.app import make_app
from agents.question import Question
from agents.registry import Agent
from workbench.chat.events import (
    Chart,
    Done,
    Event,
    Notice,
    Query,
    Source,
    Step,
    Table,
    Thought,
    Token,
)
from workbench.errors import Unavailable
from workbench.settings import Settings

CLOSED = threading.Event()  # set when an answer without end is closed
SEEN: list[Question] = []
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look up a tide.",
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}},
    },
}


def speak(body: dict[str, Any]) -> Reply:
    """A model that calls the client's tool, then says what it returned."""
    told = results_in(body)
    return Reply(text=f"It said {told[0]}.") if told else Reply(calls=[("look", {"day": "Monday"})])


def answer_all(question: Question) -> Iterator[Event]:
    """Every kind of event. A question with "endless" never ends, one with "fails" fails, and one
    with "closed" is told whether the one without end was closed.
    """
    SEEN.append(question)
    if "fails" in question.text:
        raise Unavailable("The toy is broken.", "Mend it.")
    if "endless" in question.text:
        yield from _endless()
        return
    if "closed" in question.text:
        yield Token("yes" if CLOSED.wait(5) else "no")
        yield Done("toy", 0.1)
        return
    yield Thought("Hm.")
    yield Source(1, "High tide is at six.", "/files/tides.md", "p. 1", 0.9, "p-1", "quay")
    yield Source(2, "Low tide is at noon.", "/files/tides.md", "p. 2", 0.8, "p-2", "quay")
    yield Query("select 1", "sqlite", "shop")
    yield Table(["n"], [[1.0], [float("nan")]])
    yield Chart({"mark": "bar"})
    yield Step(1, "calculator", {"expression": "1+1"}, "2")
    yield Notice("The tide is high.")
    for piece in ("At ", "six", " [1]", ".", " STOP", " here"):
        yield Token(piece)
    yield Done("toy", 0.1, tokens=6, read=20)


def _endless() -> Iterator[Event]:
    try:
        while True:
            yield Token("wave ")
            time.sleep(0.01)
    finally:
        CLOSED.set()


TOY = Agent(
    mode="toy",
    run="served_api:answer_all",
    command="/toy",
    english="Toy",
    chinese="玩具",
    icon=":material/toys:",
    busy=("Playing…", "正在玩…"),
    description="Knows the tides.",
)


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address of the API while it runs."""
    config = uvicorn.Config(make_app(settings), port=0, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
