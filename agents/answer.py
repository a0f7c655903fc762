"""The chat seam: one question in, one stream of events out. Page, command line and HTTP are readers of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from agents.registry import AGENTS
from agents.router import forced, route
from workbench.chat.conversations import Turn
from workbench.chat.events import Event, Failed
from workbench.errors import InvalidInput, WorkbenchError
from workbench.settings import Settings


def answer(
    question: str, history: Sequence[Turn], settings: Settings, mode: str = "auto"
) -> Generator[Event, None, None]:
    """Events of one answer: Routed first (unless nothing could be routed), and one of Done or Failed last.

    `history` holds the turns before, oldest first. Which model, collection and so on is in `settings`. Closing the
    iterator stops the model. What was streamed before a failure stays valid.
    """
    try:
        question, mode = forced(question, mode)
        if not question.strip():
            raise InvalidInput("The question is empty.", "Write what you want to know.")
        routed = route(question, history, settings, mode)
        yield routed
        yield from AGENTS[routed.mode].load()(question, history, settings)
    except WorkbenchError as error:
        yield Failed(error.problem, error.fix)
