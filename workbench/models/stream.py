"""A chat model and messages -> its text in pieces, with errors in our words, whichever kind of model it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.models.names import broken_off, maps_model_errors
from workbench.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def ask_model(
    model: BaseChatModel, messages: list[tuple[str, str]], name: str, settings: Settings
) -> Iterator[str]:
    """The model's text in pieces, reasoning inside `<think>`; its errors mapped, also in the middle of the answer."""
    thinking, ended = False, name.startswith("local:")
    with maps_model_errors(name, settings):
        for chunk in model.stream(messages):
            ended = ended or bool(chunk.response_metadata.keys() & {"done_reason", "finish_reason"})
            if thought := chunk.additional_kwargs.get("reasoning_content"):
                yield thought if thinking else f"<think>{thought}"
                thinking = True
            if text := str(chunk.content):
                yield f"</think>{text}" if thinking else text
                thinking = False
    if not ended:
        raise broken_off(name)
