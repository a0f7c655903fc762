"""Settings -> the one chat model of an answer, resolved once, and its text as it streams.

    chosen = choose(settings)                      # the chat model, None for `none`
    chosen = choose_named("local:crew", settings)  # any model by its name
    reply = chosen.stream([("user", "Hello?")])    # pieces of text; then reply.tokens

Every look at a server costs a request before the first token: ask here once, then pass the
ChosenModel on instead of its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.artefacts.published import find_published
from workbench.errors import WorkbenchError
from workbench.models.chat_format import with_system
from workbench.models.connect import connect
from workbench.models.listing import (
    NONE,
    describe_listed,
    describe_model,
    looks_for_models,
    packaged_models,
)
from workbench.models.packaged import TAKEN_BY_AUTO
from workbench.models.servers import ModelInfo
from workbench.models.stream import TextStream
from workbench.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

READS_PASSAGES = 2048  # tokens of context; less has no room for passages


@dataclass(frozen=True)
class ChosenModel:
    """A chat model, what is known of it, and the settings within its context."""

    info: ModelInfo
    settings: Settings

    @property
    def name(self) -> str:
        """`ollama:NAME`, `openai:NAME`, `openai:SERVER/NAME`, `local:FOLDER` or `packaged:NAME`."""
        return self.info.name

    def changed(self, **settings: Any) -> ChosenModel:
        """The same model with other settings, such as temperature and answer_tokens."""
        wanted = self.settings.model_copy(update=settings)
        return replace(self, settings=within_context(self.info, wanted))

    def chat_model(self) -> BaseChatModel:
        """LangChain's chat model. Raises NotFound or Unavailable; asks no server."""
        return connect(self.info, self.settings)

    def stream(self, messages: list[tuple[str, str]]) -> TextStream:
        """The answer to (role, text) messages, in pieces, with the model's own token count.

        The system prompt of the settings stands before the one of the messages.
        """
        messages = with_system(messages, self.settings.system_prompt)
        return TextStream(self.chat_model(), messages, self.name, self.settings)


def choose(settings: Settings) -> ChosenModel | None:
    """The chat model of the settings; for `auto` the first in reach with room for passages.

    None where there is none. Raises InvalidInput or NotFound for a wrong name.
    """
    if settings.model == NONE:
        return None
    if settings.model != "auto":
        return choose_named(settings.model, settings)
    for listed in _in_order(settings):
        try:
            info = describe_listed(listed, settings)
        except WorkbenchError:  # a corrupt folder is no choice, and no reason to fail either
            continue
        if not info.context_tokens or info.context_tokens >= READS_PASSAGES:
            return _within(info, settings)
    return None


def choose_named(name: str, settings: Settings) -> ChosenModel:
    """The model of that name. Raises InvalidInput, or NotFound for a missing folder.

    A model that this workspace published to another host is asked there.
    """
    settings = _at_its_host(name, settings)
    return _within(describe_model(name, settings), settings)


def warm_client(settings: Settings) -> None:
    """Load the library that asks the chat model of the settings, which takes seconds; no weights.

    Raises what `choose` raises.
    """
    chosen = choose(settings)
    if chosen:
        chosen.chat_model()


def within_context(info: ModelInfo, settings: Settings) -> Settings:
    """The settings with a context that the model has, half of it at most for the answer."""
    context = min(settings.context_tokens, info.context_tokens or settings.context_tokens)
    answer = min(settings.answer_tokens, context // 2)
    return settings.model_copy(update={"context_tokens": context, "answer_tokens": answer})


def _in_order(settings: Settings) -> Iterator[ModelInfo]:
    """The models in reach; a place is looked at only once those before it gave no choice."""
    for look in looks_for_models(settings):
        yield from look()
    if TAKEN_BY_AUTO:
        yield from packaged_models()


def _at_its_host(name: str, settings: Settings) -> Settings:
    kind, _, tag = name.partition(":")
    published = find_published(tag, settings) if kind == "ollama" else None
    if published is None:
        return settings
    return settings.model_copy(update={"ollama_host": published.host})


def _within(info: ModelInfo, settings: Settings) -> ChosenModel:
    return ChosenModel(info, within_context(info, settings))
