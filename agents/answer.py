"""The chat seam: one question in, one stream of events out. Page, command line and API read it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from agents.question import Question
from agents.registry import AGENTS, AUTO
from agents.router import forced, route
from workbench.chat.conversations import Turn
from workbench.chat.events import Done, Event, Failed
from workbench.errors import InvalidInput, WorkbenchError
from workbench.settings import Settings


def answer(
    text: str,
    history: Sequence[Turn],
    settings: Settings,
    mode: str = AUTO,
    files: Sequence[str] = (),
) -> Generator[Event, None, None]:
    """Events of one answer: Routed first (unless nothing could be routed), Done or Failed last.

    `history` holds the turns before, oldest first. `settings` name model, collection and so on.
    `files` are the sources in the collection `settings.attached` that came with this question.
    Closing the iterator stops the model. What was streamed before a failure stays valid.
    """
    try:
        yield from _answer(text, history, settings, mode, files)
    except WorkbenchError as error:
        yield Failed(error.problem, error.fix)


def _answer(
    text: str, history: Sequence[Turn], settings: Settings, mode: str, files: Sequence[str]
) -> Iterator[Event]:
    text, mode = forced(text, mode)
    if not text.strip():
        raise InvalidInput("The question is empty.", "Write what you want to know.")
    question = Question(text, history, settings, files=files)
    chosen = route(question, mode)
    yield chosen.event
    question.found = chosen.found
    with closing(AGENTS[chosen.mode].answer(question)) as events:
        for event in events:
            yield event
            if isinstance(event, Done | Failed):
                return  # nothing follows the end of an answer
