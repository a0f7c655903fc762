"""What is kept of a chat: conversations, messages, and the turns that a model gets of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.chat.events import Beat, Event, Routed, Thought, Token

State = Literal["streaming", "done", "stopped", "failed", "interrupted"]
LONGEST_TITLE = 120  # characters


@dataclass(frozen=True)
class Turn:
    """An earlier message as a model gets it: `role` is user or assistant, `mode` the agent."""

    role: str
    content: str
    mode: str = ""


@dataclass(frozen=True)
class Conversation:
    """A chat as the sidebar lists it; times are seconds since 1970.

    `settings` holds what was chosen for this chat, `folder` is empty for a chat in none.
    """

    id: int
    title: str
    created: float
    updated: float
    folder: str = ""
    pinned: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """A question or an answer; `settings` are the choices it was given, `rating` -1, 0 or 1.

    `versions` are the ids of all versions of it in their order, its own among them. Answers side
    by side are one version.
    """

    id: int
    conversation: int
    role: str
    content: str
    events: list[Event] = field(default_factory=list)
    state: State = "done"
    mode: str = "auto"
    settings: dict[str, Any] = field(default_factory=dict)
    rating: int = 0
    correction: str = ""
    created: float = 0.0
    versions: tuple[int, ...] = ()

    @property
    def agent(self) -> str:
        """The agent that answered, also where the router chose it: the last one that was asked."""
        for event in reversed(self.events):
            if isinstance(event, Routed):
                return event.mode
        return self.mode


@dataclass(frozen=True)
class Vote:
    """What a person thought of answers side by side, which are named by the first one, `version`.

    `winner` is the better answer, None where neither was; `both_bad` says that both were bad.
    """

    question: int
    version: int
    winner: int | None
    both_bad: bool = False
    created: float = 0.0


def exchanges(messages: Sequence[Message]) -> list[tuple[Message, list[Message]]]:
    """Each question with its answers: one, or several side by side."""
    found: list[tuple[Message, list[Message]]] = []
    for message in messages:
        if message.role == "user":
            found.append((message, []))
        elif found:
            found[-1][1].append(message)
    return found


def joined(events: Sequence[Event]) -> list[Event]:
    """The events with runs of tokens (and of thoughts) put together; beats are left out."""
    found: list[Event] = []
    for event in events:
        if isinstance(event, Beat):
            continue
        last = found[-1] if found else None
        if isinstance(event, Token) and isinstance(last, Token):
            found[-1] = Token(last.text + event.text)
        elif isinstance(event, Thought) and isinstance(last, Thought):
            found[-1] = Thought(last.text + event.text)
        else:
            found.append(event)
    return found
