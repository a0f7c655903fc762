"""Votes on answers side by side, in the database of the conversations."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from workbench.chat.records import Vote

COLUMNS = "question, version, winner, both_bad, created"
CAST = """
    insert or replace into votes (version, question, winner, both_bad, created)
    values (coalesce(
        :version,
        (select coalesce(beside, id) from messages where id = :winner),
        (select coalesce(beside, id) from messages where parent = :question and shown),
        :question
    ), :question, :winner, :both_bad, :now)"""
KEPT = """question in (
    select id from messages where conversation in (
        select id from conversations where deleted is null))"""


def cast_vote(
    database: sqlite3.Connection,
    question: int,
    winner: int | None,
    both_bad: bool,
    version: int | None,
) -> None:
    """Keep the vote, in place of a former one on the same answers.

    Without `version` it is on the winner's answers, else on those that are shown.
    """
    values = {"question": question, "winner": winner, "both_bad": both_bad, "version": version}
    database.execute(CAST, values | {"now": time.time()})


def read_votes(database: sqlite3.Connection, where: str = "true", *values: Any) -> list[Vote]:
    """The votes of which that condition holds, oldest first."""
    query = f"select {COLUMNS} from votes where {where} order by created"  # noqa: S608 – ours
    found = []
    for asked, version, winner, both_bad, created in database.execute(query, values):
        found.append(Vote(asked, version, winner, bool(both_bad), created))
    return found


def winners_in(database: sqlite3.Connection, conversation: int) -> set[int | None]:
    """The answers of a chat that were voted for."""
    of_chat = "question in (select id from messages where conversation = ?)"
    return {vote.winner for vote in read_votes(database, of_chat, conversation)}
