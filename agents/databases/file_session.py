"""A SQLite or DuckDB file -> a session whose queries run in a child, which can always be ended.

A child is warm after its first query and is used again by the next session; the file itself is
opened for each session, so a file that was replaced is seen, and none is kept locked.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agents.databases.database_errors import DatabaseSays, too_big, too_slow
from agents.databases.session import Rows, Session
from agents.databases.sources import DataSource
from workbench.errors import Stopped, Unavailable
from workbench.limited_child import Answer, Child, ChildKilled, ChildLost, ChildTooBig, ChildTooSlow
from workbench.settings import Settings

MODULE = "agents.databases.file_worker"
MEMORY = 450_000_000  # bytes of data that a child may hold; its code comes to 40 MB more
OPENS_WITHIN = 20  # seconds, with the start of the child on a busy machine
MOST_IDLE = 2  # warm children of a kind that are kept


class FileSession(Session):
    """One connection in a child. Whatever ends the child, `rollback` goes on with another."""

    def __init__(
        self, source: DataSource, pool: Pool, path: Path, temporary: str, seconds: float
    ) -> None:
        """`temporary` is a folder for what the query needs meanwhile; its owner deletes it."""
        super().__init__(source, seconds)
        self._pool = pool
        self._opening: dict[str, Any] = {
            "do": "open",
            "dialect": source.dialect,
            "path": str(path),
            "temporary": temporary,
        }
        self._stopped = False
        self._child = pool.take()

    def open(self) -> None:
        """Have the child open the file; a warm one may have ended by itself just now."""
        try:
            self.ask(self._opening, OPENS_WITHIN)
        except Unavailable:
            self._child = self._pool.start()
            self.ask(self._opening, OPENS_WITHIN)

    def close(self) -> None:
        """Give the child back for the next session."""
        with suppress(Unavailable, Stopped):  # it was ended, or ends just now
            self.ask({"do": "close"}, OPENS_WITHIN)
            self._pool.give_back(self._child)

    def rollback(self) -> None:
        if not self._child.alive and not self._stopped:
            self._child = self._pool.take()
            self.open()

    def stop(self) -> None:
        self._stopped = True
        self._child.kill()

    def ask(self, request: dict[str, Any], seconds: float) -> Answer:
        """The child's answer. Raises DatabaseSays, Stopped or Unavailable."""
        try:
            answer = self._child.ask(request, seconds)
        except ChildLost as lost:
            self._child.kill()  # one that has run out of memory does not get all of it back
            raise _explained(lost, self.seconds) from lost
        if "problem" in answer:
            raise DatabaseSays(answer["problem"])
        return answer

    def _execute(self, sql: str, stream: bool) -> Rows:
        if self._stopped:
            raise Stopped("The query was stopped.")
        return FileRows(self, sql, time.monotonic() + self.seconds)


class FileRows:
    """The rows of one query, which arrive in bounded parts."""

    def __init__(self, session: FileSession, sql: str, ends: float) -> None:
        """`ends` is when the query's time is over, by the monotonic clock."""
        self._session = session
        self._ends = ends
        answer = self._ask({"do": "run", "sql": sql})
        self._columns: list[str] = answer["columns"]
        self._rows: list[list[Any]] = answer["rows"]

    def keys(self) -> list[str]:
        return self._columns

    def fetchmany(self, size: int) -> list[list[Any]]:
        if not self._rows:
            self._rows = self._ask({"do": "more"})["rows"]
        found = self._rows[:size]
        self._rows = self._rows[size:]
        return found

    def fetchall(self) -> list[list[Any]]:
        found: list[list[Any]] = []
        while self._rows:
            found += self._rows
            self._rows = self._ask({"do": "more"})["rows"]
        return found

    def close(self) -> None:
        pass  # the next query, or the end of the session, takes its place

    def _ask(self, request: dict[str, Any]) -> Answer:
        return self._session.ask(request, max(0.01, self._ends - time.monotonic()))


class Pool:
    """The warm children of one kind of file and one workspace."""

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary
        self._idle: list[Child] = []
        self._lock = threading.Lock()

    def take(self) -> Child:
        """A warm child, else a new one."""
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    return child
        return self.start()

    def start(self) -> Child:
        return Child(MODULE, MEMORY, {"SQLITE_TMPDIR": str(self._temporary)})

    def give_back(self, child: Child) -> None:
        with self._lock:
            if len(self._idle) < MOST_IDLE:
                self._idle.append(child)
                return
        child.kill()


def _explained(lost: ChildLost, seconds: float) -> Stopped | Unavailable:
    if isinstance(lost, ChildTooSlow):
        return too_slow(seconds)
    if isinstance(lost, ChildTooBig):
        return too_big()
    if isinstance(lost, ChildKilled):
        return Stopped("The query was stopped.")
    return Unavailable(
        "The process that ran the query has ended unexpectedly.",
        "Ask again. If it happens again, the file may be damaged.",
    )


_pools: dict[tuple[str, Path], Pool] = {}
_pools_lock = threading.Lock()


def _pool(dialect: str, root: Path) -> Pool:
    with _pools_lock:
        if (dialect, root) not in _pools:
            _remove_left(root)
            _pools[dialect, root] = Pool(root)
        return _pools[dialect, root]


def _remove_left(root: Path) -> None:
    """Delete the temporary folders of processes that were killed."""
    import psutil

    for left in root.iterdir():
        owner, _, _ = left.name.partition("-")
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def open_file(
    source: DataSource, settings: Settings, path: Path, seconds: float
) -> Iterator[Session]:
    """A session in which a statement may take `seconds`. Raises Unavailable or Stopped."""
    root = settings.folder("data", ".temporary")
    pool = _pool(source.dialect, root)
    # a killed child cannot delete what it has written
    folder = tempfile.TemporaryDirectory(
        dir=root, prefix=f"{os.getpid()}-", ignore_cleanup_errors=True
    )
    with folder as temporary:
        session = FileSession(source, pool, path, temporary, seconds)
        try:
            session.open()
            yield session
        finally:
            session.close()
