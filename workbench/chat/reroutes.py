"""Questions that people sent to another agent, and what tells that judgements have changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.chat.database import connect
from workbench.chat.events import from_dict
from workbench.chat.records import Message

# A question in several chats counts where it was asked last. A cross join keeps its order: each
# message is looked up among the reroutes, which are few.
REROUTES = """
    select reroutes.question, reroutes.chosen, reroutes.created, max(messages.id),
        messages.conversation, messages.parent
    from messages cross join reroutes on reroutes.question = trim(messages.content)
    where messages.role = 'user'
    and messages.conversation in (select id from conversations where deleted is null)
    group by reroutes.question order by reroutes.created"""
ANSWERS = """
    select id, conversation, role, content, events, mode, settings from messages
    where conversation = ? and role = 'assistant' and parent = ? order by id"""
# the sums change with each judgement that comes, goes, or becomes another one
STATE = """
    select
    (select count(*) || ' ' || total(created) || ' ' || total(winner) from votes),
    (select count(*) || ' ' || total(created) from reroutes),
    (select count(*) || ' ' || total(id * rating) || ' ' || total(id * (correction <> ''))
        from messages where rating <> 0 or correction <> ''),
    (select count(deleted) || ' ' || total(deleted) from conversations)"""


@dataclass(frozen=True)
class Reroute:
    """A question that was sent to the agent `chosen`; `answers` are those that it got.

    `message` is the question's, `follows` says whether turns stood before it.
    """

    question: str
    chosen: str
    created: float
    message: int
    conversation: int
    follows: bool = False
    answers: tuple[Message, ...] = field(default=())


def read_reroutes(path: Path) -> list[Reroute]:
    """Oldest first; those of deleted chats are left out. Raises WorkbenchError."""
    with connect(path) as database:
        if not database.execute("select 1 from reroutes limit 1").fetchone():
            return []
        found = []
        for question, chosen, created, message, conversation, parent in database.execute(REROUTES):
            rows = database.execute(ANSWERS, (conversation, message))
            answers = tuple(_answer(row) for row in rows)
            follows = parent is not None
            found.append(
                Reroute(question, chosen, created, message, conversation, follows, answers)
            )
        return found


def state_of_judgements(path: Path) -> str:
    """A short text that is another one whenever votes, ratings or reroutes are others.

    It is asked for with every question: it reads an index, not the messages.
    """
    with connect(path) as database:
        return " ".join(str(part) for part in database.execute(STATE).fetchone())


def _answer(row: tuple) -> Message:
    number, conversation, role, content, events, mode, settings = row
    read = [from_dict(event) for event in json.loads(events)]
    chosen: Mapping = json.loads(settings)
    return Message(number, conversation, role, content, read, mode=mode, settings=dict(chosen))
