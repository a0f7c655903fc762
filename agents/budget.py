"""Passages and history -> as much of both as fits the model's context, the best and the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from rag.passages import Hit
from workbench.chat.conversations import Turn
from workbench.language import tokens
from workbench.settings import Settings

OVERHEAD = 300  # tokens of the prompt itself and of the chat template


def fit(
    question: str, hits: Sequence[Hit], history: Sequence[Turn], settings: Settings
) -> tuple[list[Hit], list[Turn]]:
    """The passages that fit, and of the room that they leave at most half for the newest turns before."""
    room = settings.context_tokens - settings.answer_tokens - tokens(question) - OVERHEAD
    kept: list[Hit] = []
    for hit in hits:
        size = tokens(hit.passage.text) + 8
        if size > room and kept:
            break
        kept.append(hit)
        room -= size
    return kept, newest(history, room // 2)


def newest(history: Sequence[Turn], room: int) -> list[Turn]:
    """The newest turns that fit into so many tokens, oldest first."""
    turns: list[Turn] = []
    for turn in reversed(history):
        room -= tokens(turn.content)
        if room < 0:
            break
        turns.insert(0, turn)
    return turns
