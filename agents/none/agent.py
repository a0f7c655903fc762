"""A question that nothing here is about -> the chat model's own words, or what can be asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from agents.budget import OVERHEAD, newest, prompt_room
from agents.courtesies import is_courtesy
from agents.examples import example_questions
from agents.none import texts
from agents.question import Question
from agents.registry import AGENTS
from workbench.chat.events import Done, Event, Suggestions, Token
from workbench.confined import may_change
from workbench.language import tokens
from workbench.models.chosen import ChosenModel
from workbench.models.listing import NONE, list_runs
from workbench.models.reasoning import split_stream

PROMPTS = Path(__file__).parent
SUGGESTED = 4  # questions


def answer_from_nowhere(question: Question) -> Iterator[Event]:
    """Thinking and text of the chat model with the turns before, then Done.

    Without a model: one sentence that names what can be asked here, and questions to ask. The date
    needs neither.
    """
    begun = time.monotonic()
    if texts.asks_date(question.text):
        yield Token(texts.today_is(question.language))
        yield Done(NONE, time.monotonic() - begun)
        return
    model = _speaker(question)
    if model is None:
        yield Token(_what_can_be_asked(question))
        suggested = question.suggested
        if not suggested:
            suggested = example_questions(question.settings, question.language, SUGGESTED)
        if suggested:
            yield Suggestions(suggested)
        yield Done(NONE, time.monotonic() - begun)
        return
    reply = model.stream(_messages(question, model))
    yield from split_stream(reply)
    lineage = {"model": model.name, "digest": model.info.digest}
    yield from reply.end(begun, lineage)


def _speaker(question: Question) -> ChosenModel | None:
    """The chat model. A tuned run talks of anything only where a person has chosen it for that."""
    model = question.model
    if model is None or question.settings.model == model.name:
        return model
    runs = [run.name for run in list_runs(question.settings)]
    return None if model.name in runs else model


def _what_can_be_asked(question: Question) -> str:
    language = question.language
    held = [agent.name_holdings(question.settings, language) for agent in AGENTS.values()]
    named = [name for name in held if name]
    if not named:
        return texts.nothing_here(language, may_change(question.settings))
    if is_courtesy(question.text):
        return texts.here_is(language, named)
    return texts.ask_about(language, named)


def _messages(question: Question, model: ChosenModel) -> list[tuple[str, str]]:
    """The prompt, as many of the newest turns as have room, the question."""
    settings = model.settings
    prompt = (PROMPTS / f"none_{question.language}.md").read_text("utf-8").strip()
    taken = tokens(question.text) + OVERHEAD
    room = prompt_room(settings) - taken
    turns = [(turn.role, turn.content) for turn in newest(question.history, room)]
    return [("system", prompt), *turns, ("user", question.text)]
