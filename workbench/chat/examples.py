"""Conversations -> what a model can learn of them: answers found good, and corrections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from workbench.chat.conversations import Conversations, Message

CITATION = re.compile(r"\s*\[\d+\]")  # means nothing without the passages


def rated_examples(conversations: Conversations) -> Iterator[dict[str, Any]]:
    """One row in OpenAI's form for each rated answer: {"messages": […], "group": …}.

    A correction is learned in place of its answer; an answer that is only rated as bad is left
    out. The turns before are context: their weight is 0. The rows of a chat are one group.
    """
    for rated in conversations.rated():
        *before, answer = conversations.path_to(rated.id)
        turns = [*turns_before(before), _turn(answer)]
        yield {"messages": turns, "group": f"chat {rated.conversation}"}


def turns_before(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """What leads to an answer, as context that is not learned."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message.content:
            turns.append(_turn(message, weight=0))
        elif turns:
            turns.pop()  # a question whose answer failed is no context
    return turns


def without_citations(text: str) -> str:
    return CITATION.sub("", text)


def _turn(message: Message, **weight: int) -> dict[str, Any]:
    if message.role == "user":
        return {"role": "user", "content": message.content}
    text = without_citations(message.correction or message.content)
    return {"role": "assistant", "content": text, **weight}
