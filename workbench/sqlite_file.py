"""A path -> an SQLite connection whose readers and writers, in any process, wait for each other.

Its errors become WorkbenchErrors here.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workbench.errors import Damaged, Unavailable, Unwritable
from workbench.messages import say

WAIT = 30.0  # seconds for another process's transaction to end
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
UNWRITABLE = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
)
HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
PAUSE = 0.02  # seconds between two tries where SQLite itself does not wait


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on a connection of its own: committed at the end, rolled back after an error.

    Readers go on while one writes (write-ahead log). Raises what `maps_sqlite_errors` raises.
    """
    with (
        maps_sqlite_errors(path),
        closing(sqlite3.connect(path, timeout=WAIT)) as database,
    ):
        _write_ahead(database)
        database.execute("pragma foreign_keys = on")
        with database:
            yield database


def inode_of(path: Path) -> int:
    """Tells a file that was deleted and made again from the one before; 0 where there is none."""
    try:
        return path.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return 0


@contextmanager
def maps_sqlite_errors(path: Path) -> Iterator[None]:
    """Errors of the file become Damaged, Unwritable or Unavailable; those of a statement pass.

    A table or column that is missing is the file's error: it was made by something else.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        # the low byte is the kind of error, what stands above it only the place
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in DAMAGED or (code == sqlite3.SQLITE_ERROR and "no such" in str(error)):
            raise Damaged(say("{path} is damaged: {error}", path=path, error=error)) from error
        if code in UNWRITABLE:
            raise Unwritable(
                say("{name} cannot be written or read: {error}", name=path.name, error=error),
                "Free disk space or check the folder's permissions; what was kept before stays.",
            ) from error
        if code in HELD:
            raise Unavailable(
                say("Another program holds {path}.", path=path),
                "Wait until it has ended, or close it; then try again.",
            ) from error
        raise


def _write_ahead(database: sqlite3.Connection) -> None:
    """Turn the write-ahead log on.

    A new file changes its mode under a lock for which SQLite does not wait, whatever the
    time-out says: two processes that make the file at the same moment must try again.
    """
    end = time.monotonic() + WAIT
    while True:
        try:
            database.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(PAUSE)
