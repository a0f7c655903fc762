"""A place -> one transaction on it. The same SQL, with values by name, serves both kinds of place.

Where the two kinds need different words, this file and `workbench/chat/searching.py` have both.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from workbench.sqlite_file import transaction
from workbench.storage.place import Place, Schema

NUMBERS_SQLITE = "(select value from json_each(:{name}))"
NUMBERS_POSTGRESQL = (
    "(select cast(value as bigint) from json_array_elements_text(cast(:{name} as json)))"
)
_seen: dict[Schema, tuple[str, int]] = {}  # a server's state, and when it was first seen here


class Rows(Protocol):
    """What a statement brings; rows are tuples, or behave like them."""

    @property
    def rowcount(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> Any: ...


class Database(Protocol):
    """A connection within its transaction. That of SQLite is the library's own."""

    def execute(self, query: str, values: Mapping[str, Any] = ..., /) -> Rows: ...

    def executemany(self, query: str, values: Iterable[Mapping[str, Any]], /) -> Any: ...


@contextmanager
def connect(place: Place) -> Iterator[Database]:
    """A connection with one transaction: committed at the end, rolled back after an exception.

    Raises Damaged, Unwritable, Unavailable and Conflict, never an error of a library's own for what
    befell the file or the server.
    """
    if isinstance(place, Path):
        with transaction(place) as database:
            yield database
        return
    from workbench.storage import postgresql  # SQLAlchemy takes 0.3 s to import

    with postgresql.transaction(place) as server:
        yield server


def is_sqlite(database: Database) -> bool:
    """Which of the two kinds it is."""
    return isinstance(database, sqlite3.Connection)


def by_name(rows: Any) -> list[dict[str, Any]]:
    """The rows, each with its values by the names of the columns."""
    if isinstance(rows, sqlite3.Cursor):
        columns = [column[0] for column in rows.description]
    else:
        columns = list(rows.keys())
    return [dict(zip(columns, row, strict=True)) for row in rows]


def alone(database: Database) -> None:
    """Wait until nobody else does this in that place, and keep others waiting to the end."""
    if is_sqlite(database):
        database.execute("begin immediate")
    else:
        database.execute("select pg_advisory_xact_lock(hashtext(current_schema()))")


def numbers(database: Database, name: str) -> str:
    """The SQL of a list of numbers, as `id in …` takes it; the value `name` is a list in JSON."""
    template = NUMBERS_SQLITE if is_sqlite(database) else NUMBERS_POSTGRESQL
    return template.format(name=name)


def exists(place: Place) -> bool:
    """Whether anything was ever kept there. Raises Unavailable."""
    if isinstance(place, Path):
        return place.exists()
    from workbench.storage import postgresql

    return postgresql.has(place)


def changed(place: Place) -> int:
    """A time after which nothing was changed there, in nanoseconds since 1970.

    A server tells its state alone, which changes elsewhere on it change too: the time is when this
    process first saw it. Raises Unavailable.
    """
    if isinstance(place, Path):
        log = place.with_name(f"{place.name}-wal")  # SQLite's newest pages
        return max(path.stat().st_mtime_ns for path in (place, log) if path.exists())
    with connect(place) as database:
        query = "select cast(pg_current_snapshot() as text)"
        (state,) = database.execute(query).fetchone()
    known, _ = _seen.get(place, ("", 0))
    if known != state:
        _seen[place] = (state, time.time_ns())
    return _seen[place][1]
