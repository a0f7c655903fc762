"""The SQLite file of the conversations: its tables, brought up to date, and connections to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.messages import say

BUSY = 30  # seconds that a writer waits for another

# One entry for each version of the file; a file of version n gets the entries from n on.
SCHEMAS = [
    """
create table conversations (
    id integer primary key autoincrement,
    title text not null,
    created real not null,
    updated real not null,
    deleted real
);
create table messages (
    id integer primary key autoincrement,
    conversation integer not null references conversations(id) on delete cascade,
    role text not null,
    content text not null,
    events text not null default '[]',
    state text not null default 'done',
    mode text not null default 'auto',
    settings text not null default '{}',
    owner text not null default '',
    rating integer not null default 0,
    correction text not null default '',
    superseded integer not null default 0,
    created real not null
);
create index messages_in_order on messages (conversation, id);
""",
    """
create table votes (
    question integer primary key references messages(id) on delete cascade,
    winner integer,
    created real not null
);
create table reroutes (question text primary key, chosen text not null, created real not null);
""",
]


def bring_up_to_date(path: Path) -> None:
    """Make the file, or add the tables that its version lacks. Raises WorkbenchError."""
    with connect(path) as database:
        if _version(database) == len(SCHEMAS):
            return
        database.execute("begin immediate")  # two processes may make the file at the same moment
        for schema in SCHEMAS[_version(database) :]:
            # one by one: executescript would commit, and so let another process in between
            for statement in schema.split(";"):
                database.execute(statement)
        database.execute(f"pragma user_version = {len(SCHEMAS)}")


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection with one transaction: committed at the end, rolled back after an exception.

    Raises WorkbenchError where the file cannot be written or read.
    """
    try:
        with closing(sqlite3.connect(path, timeout=BUSY)) as database:
            # readers are not blocked while an answer is saved three times a second
            database.execute("pragma journal_mode = wal")
            database.execute("pragma foreign_keys = on")
            with database:
                yield database
    except sqlite3.OperationalError as error:
        raise WorkbenchError(
            say(
                "The conversations in {name} cannot be written or read: {error}",
                name=path.name,
                error=error,
            ),
            "Free disk space or check the folder's permissions.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise WorkbenchError(
            say("{name} is not a database of conversations: {error}", name=path.name, error=error),
            say("Move {path} away; a new one is made. Keep it to repair it.", path=path),
        ) from error


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("pragma user_version").fetchone()[0])
