"""Chats with judged answers, as the tests of the loop begin with."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Event, Query, Routed, Source, Token


def add_judged(
    conversations: Conversations,
    question: str,
    answer: str,
    *,
    rating: int = 0,
    correction: str = "",
    events: Sequence[Event] = (),
    chat: int | None = None,
) -> int:
    """A question with one judged answer, in a chat of its own where none is given; its id."""
    if chat is None:
        chat = conversations.create(question)
    conversations.add(chat, "user", question)
    message = conversations.add(chat, "assistant", "")
    done = Done("ollama:demo", 1.0, lineage={"digest": "d1"})
    said = [Routed("none", "chosen"), *events, Token(answer), done]
    conversations.save(message, said, "done")
    if rating or correction:
        conversations.rate(message, rating or -1, correction)
    return message


def passage(number: int) -> Source:
    return Source(number, "The text.", "manual.pdf", f"p. {number}", 1.0, f"x{number}", "handbook")


def query(sql: str, source: str = "advertising") -> Query:
    return Query(sql, "sqlite", source)
