"""Names of arms -> what each asks; an arm and a question -> the answer that the chat would give.

base       the chat model alone
rag        documents, with the chat model
tuned      the tuned model alone
tuned:NAME any tuned model alone, asked as the chat asks tuned models
NAME       any model alone, such as ollama:qwen3:4b
rag+ARM    documents, with the model of that arm
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from agents.answer import answer
from agents.compare.names import BASE, DOCUMENTS, RAG, TUNED
from agents.compare.problems import together
from agents.lineage import prompt_version
from agents.registry import AGENTS, NOBODY
from agents.router import forced
from agents.tuned.agent import tuned_model
from rag.store import open_collection
from workbench.artefacts.model_folder import find_local
from workbench.artefacts.published import find_published
from workbench.artefacts.run_folder import card_of, run_around
from workbench.chat.conversations import Turn
from workbench.chat.events import Done, Event, Failed, Source, Token
from workbench.errors import InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.messages import say
from workbench.models.chosen import choose, choose_named
from workbench.models.listing import CONNECT, NONE, split_name
from workbench.models.servers import server_of
from workbench.settings import Settings


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: the mode of the chat that is forced, and its settings."""

    name: str
    mode: str
    settings: Settings

    @property
    def model(self) -> str:
        """The name of the model that speaks."""
        return str(getattr(self.settings, AGENTS[self.mode].model))


@dataclass(frozen=True)
class Answered:
    """What an arm said to a question; `failed` is why it said nothing, empty where it did.

    `tokens` are those that the model made, `sources` the passages that were before it.
    """

    text: str
    seconds: float
    tokens: int = 0
    lineage: dict[str, Any] = field(default_factory=dict)
    failed: str = ""
    sources: Sequence[Source] = ()


def parse_arms(names: Sequence[str], settings: Settings) -> list[Arm]:
    """The arms of those names, in their order.

    `settings` name model, collection and tuned model, and how a model speaks. Raises InvalidInput,
    NotFound or Unavailable with the problems of all arms that cannot be asked.
    """
    names = [name.strip() for name in names if name.strip()]
    if not names:
        raise InvalidInput("No arms are named.", "Name two: --arms base,rag")
    if len(set(names)) < len(names):
        raise InvalidInput("An arm is named twice.", "Name each arm once.")
    arms: list[Arm] = []
    failures: list[WorkbenchError] = []
    for name in names:
        try:
            arm = parse_arm(name, settings)
            _check(arm)
        except WorkbenchError as error:
            problem = say("{arm}: {problem}", arm=name, problem=error.problem)
            failures.append(type(error)(problem, error.fix))
        else:
            arms.append(arm)
    if failures:
        raise together(failures)
    return arms


def ask(arm: Arm, question: str, history: Sequence[Turn] = ()) -> Answered:
    """The answer to one question, as the chat gives it in that mode.

    A failure is told in the answer. A command at the beginning, such as /data, chooses no agent.
    """
    begun = time.monotonic()
    text, _ = forced(question, arm.mode)
    with closing(answer(text, history, arm.settings, arm.mode)) as events:
        return _read(events, begun)


def describe(arm: Arm) -> dict[str, Any]:
    """What the arm rests on now: model, digest, mode, collection, run, prompt, settings."""
    model, settings = arm.model, arm.settings
    found: dict[str, Any] = {"model": model, "digest": "", "mode": arm.mode}
    if model != NONE:
        chosen = choose_named(model, settings)
        settings = chosen.settings
        found["digest"] = chosen.info.digest
    documents = arm.mode == DOCUMENTS
    opened = [open_collection(settings, name) for name in settings.collections if documents]
    found["collection"] = ", ".join(one.name for one in opened)
    found["revision"] = ", ".join(str(one.revision) for one in opened)
    # a collection that is made a second time begins at revision 1 again
    found["collection_made"] = ", ".join(one.created for one in opened)
    found["run"] = _run_of(model, settings)
    found["prompt"] = prompt_version(arm.mode)
    found["settings"] = _spoken(settings, documents)
    return found


def parse_arm(name: str, settings: Settings) -> Arm:
    """The arm of that name; what it cannot be asked is found when it is asked.

    Raises InvalidInput for a name of no model, NotFound where there is no tuned model.
    """
    first, plus, rest = name.partition("+")
    if first == RAG:
        model = _model_of(rest if plus else BASE, settings)
        return Arm(name, DOCUMENTS, settings.model_copy(update={"model": model}))
    model = _model_of(name, settings)
    if name == TUNED or first.startswith(f"{TUNED}:"):
        return Arm(name, TUNED, settings.model_copy(update={"tuned": model}))
    return Arm(name, NOBODY, settings.model_copy(update={"model": model}))


def _model_of(name: str, settings: Settings) -> str:
    """The full name of an arm's model; `none` where no chat model is in reach."""
    if name == TUNED:
        return tuned_model(settings)
    if name != BASE:
        model = name.removeprefix(f"{TUNED}:")
        split_name(model)
        return model
    chosen = choose(settings)
    return chosen.name if chosen else NONE


def _check(arm: Arm) -> None:
    """Raises WorkbenchError where the arm can answer nothing at all."""
    if arm.model == NONE and arm.mode != DOCUMENTS:
        raise Unavailable("No chat model is connected.", CONNECT)
    if arm.mode == DOCUMENTS:
        _check_collections(arm.settings)
    if arm.model != NONE:
        check_model(arm.model, arm.settings)


def _check_collections(settings: Settings) -> None:
    for name in settings.collections:
        if not open_collection(settings, name).count():
            raise NotFound(
                say("The collection {name} is empty.", name=name),
                say("Add files: workbench rag ingest PATH --collection {name}", name=name),
            )


def check_model(name: str, settings: Settings) -> None:
    """Raises NotFound or Unavailable where no model of that name can be asked now."""
    chosen = choose_named(name, settings)
    kind, rest = split_name(name)
    if kind == "ollama" and not chosen.info.digest:
        raise Unavailable(
            say(
                "Ollama at {host} does not answer, or has no model {name}.",
                host=chosen.settings.ollama_host,
                name=rest,
            ),
            say("Start Ollama, then: workbench models pull {name}", name=rest),
        )
    if kind == "openai" and server_of(rest, settings)[0] is None:
        raise NotFound(say("No server is connected that has {name}.", name=name), CONNECT)


def _read(events: Iterator[Event], begun: float) -> Answered:
    text = ""
    sources: list[Source] = []
    for event in events:
        if isinstance(event, Token):
            text += event.text
        elif isinstance(event, Source):
            sources.append(event)
        elif isinstance(event, Failed):
            seconds = time.monotonic() - begun
            return Answered(text, seconds, failed=event.problem, sources=sources)
        elif isinstance(event, Done):
            seconds = time.monotonic() - begun
            return Answered(text, seconds, event.tokens, event.lineage, sources=sources)
    return Answered(text, time.monotonic() - begun, failed="The answer has no end.")


def _run_of(model: str, settings: Settings) -> str:
    """The name of the run that a model is, or was published from; empty for none."""
    kind, _, rest = model.partition(":")
    if kind == "ollama":
        published = find_published(rest, settings)
        return published.run if published else ""
    if kind != "local" or not card_of(model, settings):
        return ""
    return run_around(find_local(rest, settings)).name


def _spoken(settings: Settings, documents: bool) -> dict[str, Any]:
    """The settings that an answer depends on."""
    names = ["temperature", "top_p", "answer_tokens", "context_tokens", "system_prompt"]
    if documents:
        names += ["passages", "reranker"]
    return {name: getattr(settings, name) for name in names}
