"""Questions that people sent to another agent, and what tells that judgements have changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.chat.events import from_dict
from workbench.chat.records import Message
from workbench.storage.connecting import connect
from workbench.storage.place import Place

# A question in several chats counts where it was asked last. A cross join keeps its order: each
# message is looked up among the reroutes, which are few.
REROUTES = """
    select reroutes.question, reroutes.chosen, reroutes.created, messages.id,
        messages.conversation, messages.parent
    from (
        select reroutes.question, max(messages.id) as message from messages cross join reroutes
        where reroutes.question = trim(messages.content) and messages.role = 'user'
        and messages.conversation in (select id from conversations where deleted is null)
        group by reroutes.question
    ) asked
    join reroutes on reroutes.question = asked.question
    join messages on messages.id = asked.message order by reroutes.created"""
ANSWERS = """
    select id, conversation, role, content, events, mode, settings from messages
    where conversation = :conversation and role = 'assistant' and parent = :question order by id"""
# the sums change with each judgement that comes, goes, or becomes another one
STATE = """
    select
    (select count(*) from votes), (select sum(created) from votes),
    (select sum(winner) from votes),
    (select count(*) from reroutes), (select sum(created) from reroutes),
    (select count(*) from messages where rating <> 0 or correction <> ''),
    (select sum(id * rating) from messages where rating <> 0 or correction <> ''),
    (select sum(id) from messages where (rating <> 0 or correction <> '') and correction <> ''),
    (select count(deleted) from conversations), (select sum(deleted) from conversations)"""


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


def read_reroutes(place: Place) -> list[Reroute]:
    """Oldest first; those of deleted chats are left out. Raises WorkbenchError."""
    with connect(place) as database:
        if not database.execute("select 1 from reroutes limit 1").fetchone():
            return []
        found = []
        for question, chosen, created, message, conversation, parent in database.execute(REROUTES):
            rows = database.execute(ANSWERS, {"conversation": conversation, "question": message})
            answers = tuple(_answer(row) for row in rows)
            follows = parent is not None
            found.append(
                Reroute(question, chosen, created, message, conversation, follows, answers)
            )
        return found


def state_of_judgements(place: Place) -> str:
    """A short text that is another one whenever votes, ratings or reroutes are others.

    It is asked for with every question: it reads an index, not the messages.
    """
    with connect(place) as database:
        return " ".join(str(part or 0) for part in database.execute(STATE).fetchone())


def _answer(row: tuple) -> Message:
    number, conversation, role, content, events, mode, settings = row
    read = [from_dict(event) for event in json.loads(events)]
    chosen: Mapping = json.loads(settings)
    return Message(number, conversation, role, content, read, mode=mode, settings=dict(chosen))
