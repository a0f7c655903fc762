"""Votes on answers side by side, in the database of the conversations."""

from __future__ import annotations

import time
from typing import Any

from workbench.chat.records import Vote
from workbench.storage.connecting import Database

COLUMNS = "question, version, winner, both_bad, created"
CAST = """
    insert into votes (version, question, winner, both_bad, created)
    values (coalesce(
        :version,
        (select coalesce(beside, id) from messages where id = :winner),
        (select min(coalesce(beside, id)) from messages where parent = :question and shown = 1),
        :question
    ), :question, :winner, :both_bad, :now)
    on conflict (version) do update set question = excluded.question, winner = excluded.winner,
        both_bad = excluded.both_bad, created = excluded.created"""
KEPT = """question in (
    select id from messages where conversation in (
        select id from conversations where deleted is null))"""


def cast_vote(
    database: Database,
    question: int,
    winner: int | None,
    both_bad: bool,
    version: int | None,
) -> None:
    """Keep the vote, in place of a former one on the same answers.

    Without `version` it is on the winner's answers, else on those that are shown.
    """
    values = {"question": question, "winner": winner, "version": version}
    database.execute(CAST, values | {"both_bad": int(both_bad), "now": time.time()})


def read_votes(database: Database, where: str = "true", **values: Any) -> list[Vote]:
    """The votes of which that condition holds, oldest first."""
    query = f"select {COLUMNS} from votes where {where} order by created"  # noqa: S608 – ours
    found = []
    for asked, version, winner, both_bad, created in database.execute(query, values):
        found.append(Vote(asked, version, winner, bool(both_bad), created))
    return found


def winners_in(database: Database, conversation: int) -> set[int | None]:
    """The answers of a chat that were voted for."""
    of_chat = "question in (select id from messages where conversation = :conversation)"
    return {vote.winner for vote in read_votes(database, of_chat, conversation=conversation)}
