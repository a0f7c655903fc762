"""Conversations -> each question of which somebody judged an answer, read in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.chat.database import connect
from workbench.chat.events import from_dict
from workbench.chat.records import Message

JUDGED = """
    select distinct parent from messages where role = 'assistant' and content <> ''
    and conversation in (select id from conversations where deleted is null)
    and parent in (
        select parent from messages where rating <> 0 or correction <> ''
        union select question from votes where winner is not null
    ) order by parent"""
TURNS = """
    select id, conversation, role, content, correction, parent from messages where conversation in (
        select conversation from messages where id in (select value from json_each(?)))"""
ANSWERS = """
    select id, conversation, role, content, events, state, mode, settings, rating, correction,
        created, parent
    from messages where role = 'assistant' and content <> ''
    and parent in (select value from json_each(?)) order by id"""


@dataclass(frozen=True)
class Judged:
    """A question, what led to it, and all its answers; `winner` is the one voted for."""

    title: str
    before: tuple[Message, ...]
    """The messages before the answers, oldest first; the question is the last."""

    answers: tuple[Message, ...]
    winner: int | None = None

    @property
    def question(self) -> Message:
        return self.before[-1]


def read_judged(path: Path) -> list[Judged]:
    """Oldest first; those of deleted chats are left out. Raises WorkbenchError.

    Events are read of the answers alone: a thousand questions take a fraction of a second.
    """
    with connect(path) as database:
        questions = [row[0] for row in database.execute(JUDGED)]
        wanted = json.dumps(questions)
        turns = {row[0]: row for row in database.execute(TURNS, (wanted,))}
        answers = _answers(database, wanted)
        votes = dict(database.execute("select question, winner from votes"))
        titles = dict(database.execute("select id, title from conversations"))
    found = []
    for question in questions:
        before = _path(question, turns)
        title = titles[before[-1].conversation]
        found.append(Judged(title, before, tuple(answers[question]), votes.get(question)))
    return found


def _path(question: int, turns: dict[int, Sequence]) -> tuple[Message, ...]:
    path: list[Message] = []
    here: int | None = question
    while here is not None:
        number, conversation, role, content, correction, here = turns[here]
        path.append(Message(number, conversation, role, content, correction=correction))
    return tuple(reversed(path))


def _answers(database: sqlite3.Connection, questions: str) -> dict[int, list[Message]]:
    """Id of a question -> its answers, with their events."""
    found: dict[int, list[Message]] = {}
    database.row_factory = sqlite3.Row
    for row in database.execute(ANSWERS, (questions,)):
        fields = dict(row)
        parent = fields.pop("parent")
        fields["events"] = [from_dict(event) for event in json.loads(fields["events"])]
        fields["settings"] = json.loads(fields["settings"])
        found.setdefault(parent, []).append(Message(**fields))
    database.row_factory = None
    return found
