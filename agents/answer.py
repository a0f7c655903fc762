"""The chat seam: one question in, one stream of events out. Page, command line and API read it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from agents import reasons
from agents.lineage import Gathered
from agents.question import Question
from agents.registry import AGENTS, AUTO
from agents.router import Route, forced, routing
from workbench.chat.conversations import Turn
from workbench.chat.events import (
    Beat,
    Declined,
    Done,
    Event,
    Failed,
    Notice,
    Routed,
    Suggestions,
    Thought,
    Token,
)
from workbench.errors import InvalidInput, WorkbenchError
from workbench.messages import say
from workbench.models.packaged import knows
from workbench.settings import Settings
from workbench.tracing import Span, span

LONGEST = 500_000  # characters of a question; routing alone reads some 100,000 a second
ENGLISH_ONLY = Notice(
    "This small model knows English only: ask it in English, or choose another model.",
    standing=True,
)


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
    Closing the iterator stops the model. What was streamed before a failure stays valid. In `auto`
    an agent without an answer is followed by the next one: a Notice says why, and a second Routed
    names who answers.
    """
    gathered = Gathered(history, settings, files)
    with span("answer", turns=len(history), files=len(files)) as seen:
        try:
            with closing(seen.around(_answer(text, history, settings, mode, files))) as events:
                for event in events:
                    _note(event, seen)
                    yield gathered.complete(event)
        except WorkbenchError as error:
            seen.set(error=error.kind)
            yield gathered.complete(Failed(error.problem, error.fix, kind=error.kind))


def _note(event: Event, seen: Span) -> None:
    """What a trace says of an answer: who made it, and how much."""
    if isinstance(event, Routed):
        seen.set(mode=event.mode)
    elif isinstance(event, Done):
        seen.set(model=event.model, tokens=event.tokens, tokens_read=event.read)
    elif isinstance(event, Failed):
        seen.set(error=event.kind)


def _answer(
    text: str, history: Sequence[Turn], settings: Settings, mode: str, files: Sequence[str]
) -> Generator[Event, None, None]:
    text, mode = forced(text, mode)
    if not text.strip():
        raise InvalidInput("The question is empty.", "Write what you want to know.")
    if len(text) > LONGEST:
        raise InvalidInput(
            say("The question is longer than {most:,} characters.", most=LONGEST),
            "Add the text as a document, and ask about it.",
        )
    question = Question(text, history, settings, files=files)
    with span("route") as seen:
        chosen = yield from seen.around(routing(question, mode))
        seen.set(mode=chosen.mode)
    yield chosen.event
    others = list(chosen.others)
    while True:
        declined = yield from _ask(chosen, question, final=not others)
        if not declined:
            return
        yield Notice(declined)
        chosen = _instead(chosen, others.pop(0), question.language)
        yield chosen.event


def _instead(former: Route, other: Route, language: str) -> Route:
    """The next route; its reason says that the former one had no answer."""
    label = AGENTS[former.mode].label(language)
    return replace(other, reason=reasons.after(language, label, other.reason))


def _ask(chosen: Route, question: Question, final: bool) -> Generator[Event, None, str]:
    """The events of that agent; returns nothing, or why another should be asked.

    The `final` one is the last that can be asked: what it declines with is the answer.
    """
    question.found = chosen.found
    agent = AGENTS[chosen.mode]
    said = False
    try:
        with closing(agent.answer(question)) as events:
            for event in events:
                if isinstance(event, Declined) and not final:
                    question.suggested = _suggested(events)
                    return event.text
                if isinstance(event, Declined):
                    event = Token(event.text)
                if isinstance(event, Thought) and not event.text:
                    event = Beat()
                said = said or isinstance(event, Token)
                if isinstance(event, Done) and not knows(event.model, question.language):
                    yield ENGLISH_ONLY
                yield event
                if isinstance(event, Done | Failed):
                    return ""  # nothing follows the end of an answer
    except WorkbenchError as error:
        # a model that only this agent asks: the others can still answer
        if final or said or not agent.from_memory:
            raise
        return error.problem
    return ""


def _suggested(rest: Iterator[Event]) -> Sequence[tuple[str, str]]:
    """The questions that an agent without an answer suggests after it has said so."""
    for event in rest:
        if isinstance(event, Suggestions):
            return event.questions
    return ()
