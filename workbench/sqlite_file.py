"""A path -> an SQLite connection whose readers and writers, in any process, wait for each other."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

WAIT = 30.0  # seconds for another process's transaction to end
PAUSE = 0.02  # seconds between two tries where SQLite itself does not wait


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on a connection of its own: committed at the end, rolled back after an error.

    Readers go on while one writes (write-ahead log). Raises sqlite3.DatabaseError.
    """
    with closing(sqlite3.connect(path, timeout=WAIT)) as database:
        _write_ahead(database)
        database.execute("pragma foreign_keys = on")
        with database:
            yield database


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
