"""A question -> the answer of a tuned model: a run of this workspace, or what was published of one to Ollama."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from agents.budget import OVERHEAD, newest
from agents.databases.notes import load_notes
from agents.databases.sources import list_sources
from agents.question import Question
from workbench.chat.events import Done, Event, Token
from workbench.errors import NotFound
from workbench.language import tokens
from workbench.models.names import (
    describe_model,
    find_local,
    list_runs,
    load_chat_model,
    within_context,
)
from workbench.models.reasoning import split_stream
from workbench.models.stream import ask_model
from workbench.settings import Settings

FROM_RUN = ("base", "data_sha256", "finished", "created")  # of a run's card, shown with each answer


def answer_from_tuned(question: Question) -> Iterator[Event]:
    """What the tuned model says, without any passage: thinking and text as they come, then Done."""
    begun = time.monotonic()
    name = tuned_model(question.settings)
    model = describe_model(name, question.settings)
    settings = within_context(model, question.settings)
    card = card_of(name, settings)
    system = str(card.get("system") or "")
    room = (
        settings.context_tokens
        - settings.answer_tokens
        - tokens(question.text)
        - tokens(system)
        - OVERHEAD
    )
    turns = [(turn.role, turn.content) for turn in newest(question.history, room)]
    messages = [*([("system", system)] if system else []), *turns, ("user", question.text)]
    count = 0
    for event in split_stream(ask_model(load_chat_model(name, settings), messages, name, settings)):
        count += isinstance(event, Token)
        yield event
    lineage = {"model": name, "digest": model.digest} | {
        key: card[key] for key in FROM_RUN if key in card
    }
    yield Done(name, time.monotonic() - begun, count, lineage)


def tuned_model(settings: Settings) -> str:
    """The tuned model that answers: the chosen one, or the newest run that can talk. Raises NotFound where there is none."""
    if settings.tuned != "auto":
        return settings.tuned
    if runs := talking_runs(settings):
        return runs[0]
    raise NotFound(
        "There is no tuned model yet.",
        "Tune one on the Training page, try the example with `workbench demo`, or name one: WORKBENCH_TUNED=ollama:NAME",
    )


def load_tuned(settings: Settings) -> None:
    """Load the weights of a local tuned model, which then stay in memory; a server loads its own."""
    from workbench.models.weights import load_local

    kind, _, rest = tuned_model(settings).partition(":")
    if kind == "local":
        load_local(find_local(rest, settings))


def talking_runs(settings: Settings) -> list[str]:
    """The tuned models of this workspace, the newest first, without those that only write the queries of a source."""
    writers = {load_notes(source, settings).writer for source in list_sources(settings)}
    return [run.name for run in list_runs(settings) if run.name not in writers]


def card_of(name: str, settings: Settings) -> dict[str, Any]:
    """The card of the run behind a local model; empty for another folder and for servers, which hold their own prompt."""
    kind, _, rest = name.partition(":")
    if kind != "local":
        return {}
    path = find_local(rest, settings).parent / "card.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}
