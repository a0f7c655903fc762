"""SQLite files in use -> copies as of one moment, while others go on reading and writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from workbench.sqlite_file import WAIT, maps_sqlite_errors

PAGES = 2_000  # copied between two looks at the clock


@contextmanager
def as_of_now(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees the file as it is now, whatever is written meanwhile.

    Raises what `maps_sqlite_errors` raises.
    """
    address = f"file:{quote(str(path))}?mode=rw"  # never makes a file
    with (
        maps_sqlite_errors(path),
        closing(sqlite3.connect(address, uri=True, timeout=WAIT, isolation_level=None)) as database,
    ):
        database.execute("begin")
        database.execute("select count(*) from sqlite_master").fetchone()  # the moment
        yield database


def copy_to(
    database: sqlite3.Connection, target: Path, copied: Callable[[int], None] = lambda size: None
) -> None:
    """Write what the connection sees as a file of its own; `copied` gets the bytes so far.

    SQLite's online backup. It begins again where another process writes, so the connection has to
    have its moment (`as_of_now`). Raises what `maps_sqlite_errors` raises.
    """
    (size,) = database.execute("pragma page_size").fetchone()

    def step(_status: int, remaining: int, total: int) -> None:
        copied((total - remaining) * size)

    with maps_sqlite_errors(target), closing(sqlite3.connect(target)) as copy:
        database.backup(copy, pages=PAGES, progress=step, sleep=0)
