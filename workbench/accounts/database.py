"""The SQLite file of the accounts: its tables, and transactions on it.

people    who may sign in        groups, members   who shares a space
attempts  passwords tried        answers           how many of a day
audit     what was done
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.settings import Settings
from workbench.sqlite_file import transaction
from workbench.sqlite_store import Store

FIRST = """
create table people (
    name text primary key,
    folded text not null unique,
    role text not null,
    password text not null,
    disabled integer not null default 0,
    was_first integer not null default 0,
    session_epoch text not null,
    created double precision not null,
    signed_in double precision not null default 0,
    answers_at_once integer not null default 2,
    answers_a_day integer not null default 0,
    megabytes integer not null default 0
);
create table groups (
    name text primary key,
    folded text not null unique,
    created double precision not null
);
create table members (
    group_name text not null references groups (name) on delete cascade,
    person text not null references people (name) on delete cascade,
    role text not null,
    primary key (group_name, person)
);
create table attempts (
    name text primary key,
    count integer not null,
    until double precision not null
);
create table answers (
    person text not null references people (name) on delete cascade,
    day text not null,
    count integer not null,
    primary key (person, day)
);
create table audit (
    number integer primary key,
    at double precision not null,
    who text not null,
    what text not null,
    about text not null
);
"""

STORE = Store("accounts.db", [FIRST])

# the tables and their keys, in the order in which they refer to each other
TABLES = {
    "people": ("name",),
    "groups": ("name",),
    "members": ("group_name", "person"),
    "attempts": ("name",),
    "answers": ("person", "day"),
    "audit": ("number",),
}


def has_accounts(root: Settings) -> bool:
    """Whether people sign in here. Once they did, nothing is open again while the file exists."""
    return path_of(root).exists()


def path_of(root: Settings) -> Path:
    """The file, which may not exist."""
    return root.home / STORE.name


@contextmanager
def reading(root: Settings) -> Iterator[sqlite3.Connection]:
    """A transaction that reads, on a file that exists. Raises what `transaction` raises."""
    STORE.bring_up_to_date(path_of(root))
    with transaction(path_of(root)) as database:
        database.row_factory = sqlite3.Row
        yield database


@contextmanager
def changing(root: Settings) -> Iterator[sqlite3.Connection]:
    """A transaction that nobody else writes beside; the file is made where it is missing."""
    root.folder()
    with reading(root) as database:
        database.execute("begin immediate")
        yield database
