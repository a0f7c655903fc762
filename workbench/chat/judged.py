"""Conversations -> each question of which somebody judged an answer, read in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.chat.events import from_dict
from workbench.chat.records import Message
from workbench.storage.connecting import connect, numbers
from workbench.storage.place import Place

JUDGED = """
    select distinct parent from messages where role = 'assistant' and content <> ''
    and conversation in (select id from conversations where deleted is null)
    and parent in (
        select parent from messages where rating <> 0 or correction <> ''
        union select question from votes where winner is not null
    ) order by parent"""
TURNS = """
    select id, conversation, role, content, correction, parent from messages where conversation in (
        select conversation from messages where id in {questions})"""
FIELDS = (
    "id, conversation, role, content, events, state, mode, settings, rating, correction, created"
)
ANSWERS = f"""
    select {FIELDS}, parent, coalesce(beside, id)
    from messages where role = 'assistant' and content <> ''
    and parent in {{questions}} order by id"""  # noqa: S608 – a constant


@dataclass(frozen=True)
class Judged:
    """A question, what led to it, and all its answers."""

    title: str
    before: tuple[Message, ...]
    """The messages before the answers, oldest first; the question is the last."""

    answers: tuple[Message, ...]
    beaten: dict[int, set[int]] = field(default_factory=dict)
    """Id of an answer that was voted for -> those that stood beside it."""

    @property
    def question(self) -> Message:
        return self.before[-1]


def read_judged(place: Place) -> list[Judged]:
    """Oldest first; those of deleted chats are left out. Raises WorkbenchError.

    Events are read of the answers alone: a thousand questions take a fraction of a second.
    """
    with connect(place) as database:
        questions = [row[0] for row in database.execute(JUDGED)]
        wanted = {"wanted": json.dumps(questions)}
        of_questions = numbers(database, "wanted")
        rows = database.execute(TURNS.format(questions=of_questions), wanted)
        turns = {row[0]: row for row in rows}
        rows = database.execute(ANSWERS.format(questions=of_questions), wanted)
        answers, together = _answers(rows)
        winners = [row[0] for row in database.execute("select winner from votes")]
        titles = dict(database.execute("select id, title from conversations").fetchall())
    beaten = {winner: together[winner] - {winner} for winner in winners if winner in together}
    found = []
    for question in questions:
        before = _path(question, turns)
        title = titles[before[-1].conversation]
        won = {one.id: beaten[one.id] for one in answers[question] if one.id in beaten}
        found.append(Judged(title, before, tuple(answers[question]), won))
    return found


def _path(question: int, turns: dict[int, Sequence]) -> tuple[Message, ...]:
    path: list[Message] = []
    here: int | None = question
    while here is not None:
        number, conversation, role, content, correction, here = turns[here]
        path.append(Message(number, conversation, role, content, correction=correction))
    return tuple(reversed(path))


def _answers(
    rows: Iterable[Sequence[Any]],
) -> tuple[dict[int, list[Message]], dict[int, set[int]]]:
    """(question -> its answers with their events, answer -> all that stand side by side with it)"""
    found: dict[int, list[Message]] = {}
    versions: dict[int, set[int]] = {}
    together: dict[int, set[int]] = {}
    for *values, parent, version in rows:
        fields = dict(zip(FIELDS.split(", "), values, strict=True))
        side_by_side = versions.setdefault(version, set())
        side_by_side.add(fields["id"])
        together[fields["id"]] = side_by_side
        fields["events"] = [from_dict(event) for event in json.loads(fields["events"])]
        fields["settings"] = json.loads(fields["settings"])
        found.setdefault(parent, []).append(Message(**fields))
    return found, together
