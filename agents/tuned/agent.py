"""A question -> the answer of a tuned model: a run of this workspace, or its Ollama model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from agents.budget import OVERHEAD, newest, prompt_room
from agents.databases.notes import load_notes
from agents.databases.sources import list_sources
from agents.question import Question
from agents.rewriting import stand_alone
from workbench.artefacts.batch import candidates
from workbench.artefacts.model_folder import find_local
from workbench.artefacts.run_folder import (
    card_of,
    is_scored,
    takes_single_questions,
)
from workbench.chat.conversations import Turn
from workbench.chat.events import Declined, Done, Event, Notice
from workbench.errors import NotFound
from workbench.language import localized, tokens
from workbench.models.chosen import choose_named
from workbench.models.listing import list_runs
from workbench.models.reasoning import split_stream
from workbench.settings import Settings


def answer_from_tuned(question: Question) -> Iterator[Event]:
    """What the tuned model says, without any passage: thinking and text as they come, then Done."""
    begun = time.monotonic()
    chosen = choose_named(tuned_model(question.settings), question.settings)
    # empty for a server, which has its own system text
    card = card_of(chosen.name, question.settings)
    system = str(card.get("system") or "")
    text, history = question.text, question.history
    if takes_single_questions(chosen.name, question.settings):
        history = []
        if question.leans:
            text = yield from stand_alone(question)
            if not text:
                yield Declined(_sees_no_turns(question.language))
                yield Done(chosen.name, time.monotonic() - begun)
                return
            yield Notice(_asked_as(question.language, text))
    reply = chosen.stream(_messages(text, history, system, chosen.settings))
    yield from split_stream(reply)
    lineage = {"model": chosen.name, "digest": chosen.info.digest}
    yield from reply.end(begun, lineage)


def tuned_model(settings: Settings) -> str:
    """The name of the tuned model that answers where it is asked: the chosen one, else the newest.

    A run that was measured goes before one that was not. Raises NotFound where none exists.
    """
    if settings.tuned != "auto":
        return settings.tuned
    runs = scored_runs(settings) or talking_runs(settings)
    if not runs:
        raise NotFound(
            "There is no tuned model yet.",
            "Tune one on the Training page, try the example with `workbench demo`, "
            "or name one: WORKBENCH_TUNED=ollama:NAME",
        )
    return runs[0]


def model_for_auto(settings: Settings) -> str:
    """The tuned model that may answer unasked: the chosen one, else the newest that was measured.

    Raises NotFound where none exists.
    """
    if settings.tuned != "auto":
        return settings.tuned
    runs = scored_runs(settings)
    if not runs:
        raise NotFound(
            "There is no tuned model that was measured yet.",
            "Measure one: workbench finetune score NAME --data FILE",
        )
    return runs[0]


def scored_runs(settings: Settings) -> list[str]:
    """Those of `talking_runs` whose training has ended and of which it is known how well."""
    return [name for name in talking_runs(settings) if is_scored(name, settings)]


def load_tuned(settings: Settings) -> None:
    """Load a local tuned model with its adapter into memory, or the library that asks a server."""
    from workbench.models.local import Count, stream
    from workbench.models.weights import load_local

    name = tuned_model(settings)
    kind, _, rest = name.partition(":")
    if kind != "local":
        choose_named(name, settings).chat_model()
        return
    # one token, so that the adapter is put on too: importing PEFT takes long
    turns = [{"role": "user", "content": "?"}]
    loaded = load_local(find_local(rest, settings))
    for _ in stream(loaded, turns, settings.context_tokens, 1, 0.0, Count()):
        pass


def talking_runs(settings: Settings) -> list[str]:
    """The tuned models of this workspace, the newest first.

    A model that only writes the queries of a source is left out: it answers in SQL. So is a
    candidate of the loop that no comparison has let into use.
    """
    writers = {load_notes(source, settings).writer for source in list_sources(settings)}
    left_out = writers | candidates(settings)
    return [run.name for run in list_runs(settings) if run.name not in left_out]


def _sees_no_turns(language: str) -> str:
    return localized(
        language,
        "This model was trained on single questions and does not see the turns before, so it "
        "cannot answer a follow-up: ask the whole question. A connected chat model would write "
        "it out.",
        "此模型只用单轮问答训练，看不到之前的对话，无法回答追问：请提出完整的问题。"
        "连接聊天模型后可自动补全追问。",
    )


def _asked_as(language: str, text: str) -> str:
    return localized(
        language,
        f"This model sees single questions only; it was asked: “{text}”",
        f"此模型只能看到单个问题，向它提出的是：“{text}”",
    )


def _messages(
    text: str, history: Sequence[Turn], system: str, settings: Settings
) -> list[tuple[str, str]]:
    """The training's system text, as many of the newest turns as have room, the question."""
    taken = tokens(text) + tokens(system) + OVERHEAD
    room = prompt_room(settings) - taken
    turns = [(turn.role, turn.content) for turn in newest(history, room)]
    first = [("system", system)] if system else []
    return [*first, *turns, ("user", text)]
