"""One SQLite file -> a transaction for each write, and one open connection a thread for reads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.sqlite_file import WAIT, inode_of, maps_sqlite_errors, transaction

_readers = threading.local()  # path -> (inode, connection): opening costs more than most reads


class SqliteFile:
    """A database in one file, which threads and processes share. Its errors are WorkbenchErrors."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """One transaction on a connection of its own: committed at the end, or rolled back."""
        with transaction(self.path) as database:
            yield database

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's open connection. Each statement sees the newest commit."""
        with maps_sqlite_errors(self.path):
            yield self._reader()

    def _reader(self) -> sqlite3.Connection:
        # the inode tells a file that was deleted and made again from the one that is open
        inode = inode_of(self.path)
        opened = _readers.__dict__.get(str(self.path))
        if opened is not None and opened[0] == inode:
            return opened[1]
        connection = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        _readers.__dict__[str(self.path)] = (inode, connection)
        return connection
