"""Conversations -> what a model can learn of them: answers found good, and corrections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from workbench.chat.conversations import Conversations, Message

CITATION = re.compile(r"\s*\[\d+\]")  # means nothing without the passages


def rated_examples(conversations: Conversations) -> Iterator[dict[str, Any]]:
    """One row in OpenAI's form for each rated answer: {"messages": […], "group": …}.

    A correction is learned in place of its answer; an answer that is only rated as bad is left
    out. The turns before are context: their weight is 0. The rows of a chat are one group.
    """
    for rated in conversations.rated():
        turns: list[dict[str, Any]] = []
        for message in conversations.path_to(rated.id):
            if message.content:
                turns.append(_turn(message, learned=message.id == rated.id))
            elif turns:
                turns.pop()  # a question whose answer failed is no context
        yield {"messages": turns, "group": f"chat {rated.conversation}"}


def _turn(message: Message, learned: bool) -> dict[str, Any]:
    if message.role == "user":
        return {"role": "user", "content": message.content}
    text = CITATION.sub("", message.correction or message.content)
    turn: dict[str, Any] = {"role": "assistant", "content": text}
    if not learned:
        turn["weight"] = 0
    return turn
