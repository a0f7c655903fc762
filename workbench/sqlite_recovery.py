"""A damaged SQLite file -> a new one with every row that can be read; the old one is kept aside."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.files import remove, writing
from workbench.sqlite_file import maps_sqlite_errors

PATIENCE = 20.0  # seconds that the look at a large file may take; what is not seen then passes
STEPS = 100_000  # of SQLite's machine between two looks at the clock
SIDES = ("-wal", "-shm")  # files beside a database that belong to it

Tables = Mapping[str, Sequence[str]]
"""Table -> the columns of its key, in the order in which tables refer to each other."""


@dataclass(frozen=True)
class Recovered:
    """How many rows were kept, and the tables of which some could not be read."""

    kept: int
    incomplete: tuple[str, ...]
    aside: Path
    """Where the damaged file lies now."""


def problem_of(path: Path, tables: Tables, newest: int = 0) -> str:
    """Why the file cannot be used; empty where it can, or where nothing lies there.

    A file of a version before `newest` may lack tables: they come when it is used. Raises
    Unavailable or Unwritable where it cannot be looked at.
    """
    if not path.exists():
        return ""
    end = time.monotonic() + PATIENCE
    try:
        with (
            maps_sqlite_errors(path),
            closing(sqlite3.connect(path, timeout=PATIENCE)) as database,
        ):
            database.set_progress_handler(lambda: time.monotonic() > end, STEPS)
            wanted = set(tables)
            if 0 < _version(database) < newest:
                wanted &= tables_in(database)
            for table in wanted:
                database.execute(f"select * from {table} limit 1").fetchall()  # noqa: S608 – ours
            (found,) = database.execute("pragma quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        return "" if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT else str(error)
    except ValueError as error:  # Damaged
        return str(error)
    return "" if found == "ok" else str(found)


def recover(path: Path, make: Callable[[Path, int], None], tables: Tables) -> Recovered:
    """Make the file again by `make(path, version of the old one)` and fill it with the old rows.

    The damaged file is only renamed. Raises Unwritable.
    """
    aside = free_name(path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".repair-") as folder:
        copy = Path(folder) / path.name  # SQLite may write to what it reads
        for side in ("", *SIDES):
            if path.with_name(path.name + side).exists():
                shutil.copyfile(path.with_name(path.name + side), copy.with_name(copy.name + side))
        with writing(path.with_name(f"{path.name}.new")) as part:
            kept, incomplete = _fill(part, copy, make, tables)
            for side in SIDES:
                remove(part.with_name(part.name + side))
        for side in ("", *SIDES):
            if path.with_name(path.name + side).exists():
                path.with_name(path.name + side).rename(aside.with_name(aside.name + side))
        path.with_name(f"{path.name}.new").replace(path)
    return Recovered(kept, incomplete, aside)


def free_name(path: Path) -> Path:
    """The name under which a damaged file is kept: its own, and when it was found."""
    return path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")


def _fill(
    new: Path, old: Path, make: Callable[[Path, int], None], tables: Tables
) -> tuple[int, tuple[str, ...]]:
    with closing(sqlite3.connect(old)) as damaged:
        make(new, _version(damaged))
        with closing(sqlite3.connect(new)) as database, database:
            whole = {name: _copy(damaged, database, name, key) for name, key in tables.items()}
            _remove_orphans(database)
            counts = [_count(database, name) for name in tables]
        with closing(sqlite3.connect(new)) as database:
            database.execute("pragma wal_checkpoint(truncate)")
            database.execute("pragma journal_mode = delete")
    return sum(counts), tuple(name for name in tables if not whole[name])


def tables_in(database: sqlite3.Connection) -> set[str]:
    """The names of the file's tables, SQLite's own among them."""
    query = "select name from sqlite_master where type = 'table'"
    return {name for (name,) in database.execute(query)}


def _count(database: sqlite3.Connection, table: str) -> int:
    return int(database.execute(f"select count(*) from {table}").fetchone()[0])  # noqa: S608 – ours


def _version(database: sqlite3.Connection) -> int:
    try:
        return int(database.execute("pragma user_version").fetchone()[0])
    except sqlite3.DatabaseError:
        return 0


def _copy(
    damaged: sqlite3.Connection, database: sqlite3.Connection, table: str, key: Sequence[str]
) -> bool:
    """Copy what can be read; whether that is all.

    From the first row on, and where one cannot be read back from the last one.
    """
    columns = _columns(damaged, table)
    shared = [name for name in _columns(database, table) if name in columns]
    if not set(key) <= set(shared):
        return False
    names = ", ".join(shared)
    marks = ", ".join("?" * len(shared))
    insert = f"insert or ignore into {table} ({names}) values ({marks})"  # noqa: S608 – our names
    for direction in ("asc", "desc"):
        order = ", ".join(f"{name} {direction}" for name in key)
        query = f"select {names} from {table} order by {order}"  # noqa: S608 – our names
        if _insert(database, insert, damaged, query):
            return True
    return False


def _insert(
    database: sqlite3.Connection, insert: str, damaged: sqlite3.Connection, query: str
) -> bool:
    """Whether every row that the query brings could be read and kept."""
    whole = True
    for row in _readable(damaged, query):
        if row is None:
            return False
        try:
            database.execute(insert, row)
        except sqlite3.DatabaseError:  # a value that the table does not allow
            whole = False
    return whole


def _readable(damaged: sqlite3.Connection, query: str) -> Iterator[Sequence[Any] | None]:
    """The rows until one cannot be read; None stands for that one."""
    try:
        yield from damaged.execute(query)
    except (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError):
        yield None


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    try:
        return [row[1] for row in database.execute(f"pragma table_info({table})")]
    except sqlite3.DatabaseError:
        return []


def _remove_orphans(database: sqlite3.Connection) -> None:
    """Delete rows that refer to a lost one."""
    for table, row, *_ in database.execute("pragma foreign_key_check").fetchall():
        if row is not None:  # a table without row ids tells none
            database.execute(f"delete from {table} where rowid = ?", (row,))  # noqa: S608 – ours
