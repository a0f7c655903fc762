"""The tables of the accounts, in an SQLite file or a schema of a server, and transactions on them.

people    who may sign in        groups, members   who shares a space
attempts  passwords tried        answers           how many of a day
audit     what was done          api_keys          hashes of people's keys
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.settings import Settings
from workbench.sqlite_store import Store
from workbench.storage.connecting import Database, alone, connect, exists
from workbench.storage.place import ACCOUNTS, Place, Schema

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

KEYS = """
create table api_keys (
    person text not null references people (name) on delete cascade,
    name text not null,
    sha256 text not null unique,
    scopes text not null,
    created double precision not null,
    expires double precision not null,
    per_minute integer not null,
    space text not null,
    primary key (person, name)
);
"""

TABLES = {
    "people": ("name",),
    "groups": ("name",),
    "members": ("group_name", "person"),
    "attempts": ("name",),
    "answers": ("person", "day"),
    "audit": ("number",),
    "api_keys": ("person", "name"),
}
STORE = Store(
    "accounts.db",
    [FIRST, KEYS],
    revisions=Path(__file__).with_name("revisions"),
    tables=TABLES,
    held=ACCOUNTS,
)


def has_accounts(root: Settings) -> bool:
    """Whether people sign in here. Once they did, nothing is open again while the rows exist.

    Raises Unavailable where a server has them that is away.
    """
    return exists(place_of(root))


def place_of(root: Settings) -> Place:
    """Where the accounts are, or would be made: those of a file stay in it until they are moved."""
    file = root.home / STORE.name
    if not root.database_url.get_secret_value():
        return file
    schema = Schema(root.database_url, ACCOUNTS)
    return file if file.exists() and not exists(schema) else schema


@contextmanager
def reading(root: Settings) -> Iterator[Database]:
    """A transaction that reads what exists. Raises what `connect` raises."""
    place = place_of(root)
    STORE.bring_up_to_date(place)
    with connect(place) as database:
        yield database


@contextmanager
def changing(root: Settings) -> Iterator[Database]:
    """A transaction that nobody else writes beside; the tables are made where they are missing."""
    root.folder()
    with reading(root) as database:
        alone(database)
        yield database
