"""Passages and history -> what of both fits the model's context, the best and the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from rag.passages import Hit
from workbench.chat.conversations import Turn
from workbench.language import tokens
from workbench.models.chosen import ChosenModel
from workbench.models.listing import size_of
from workbench.settings import Settings

MARKS = 8  # tokens of a passage's number and place
SMALL = 600_000_000  # bytes; up to about half a billion parameters in four bits
OVERHEAD = 300  # tokens of the prompt itself and of the chat template


def fit(
    question: str, hits: Sequence[Hit], history: Sequence[Turn], settings: Settings
) -> tuple[list[Hit], list[Turn]]:
    """The passages that fit. At most half of the room that they leave goes to the newest turns."""
    room = prompt_room(settings) - tokens(question) - OVERHEAD
    kept: list[Hit] = []
    for hit in hits:
        size = tokens(hit.passage.text) + MARKS
        if size > room and kept:
            break
        kept.append(hit)
        room -= size
    return kept, newest(history, room // 2)


def prompt_room(settings: Settings) -> int:
    """Tokens of the context beside the answer and the person's own system prompt."""
    return settings.context_tokens - settings.answer_tokens - tokens(settings.system_prompt)


def is_small(model: ChosenModel) -> bool:
    """Whether a model loses its way in whole passages; one of unknown size does not."""
    return 0 < size_of(model.info, model.settings) <= SMALL


def newest(history: Sequence[Turn], room: int) -> list[Turn]:
    """The newest turns that fit into so many tokens, oldest first."""
    turns: list[Turn] = []
    for turn in reversed(history):
        room -= tokens(turn.content)
        if room < 0:
            break
        turns.insert(0, turn)
    return turns
