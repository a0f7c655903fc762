"""An SQLite file of the workspace and how it has grown: a step for each version of its tables.

The number of the version is the file's own `user_version`. A store with revisions can be a schema
of a server as well (`workbench/storage/revisions.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import Conflict, Damaged
from workbench.messages import say
from workbench.sqlite_file import transaction
from workbench.sqlite_recovery import Tables, tables_in
from workbench.storage import revisions
from workbench.storage.connecting import connect
from workbench.storage.place import Place, Schema

FOREIGN = "it holds tables of another program"

Step = str | Callable[[sqlite3.Connection], None]
"""Statements, or a function where they do not suffice."""


@dataclass(frozen=True)
class Store:
    """The file `name` of a workspace. A file of version n gets the steps from n on."""

    name: str
    steps: Sequence[Step]
    known_by: str = ""
    """A table of files that are older than their first number: the steps must pass over what such
    a file has already. Empty where no such file exists."""
    revisions: Path | None = None
    """The folder of the revisions that make the same tables on a server."""
    tables: Tables = field(default_factory=dict)
    """The tables that can lie on a server and their keys, in the order in which they refer to each
    other."""
    held: str = ""
    """Whose rows they are on a server; empty where every space has its own."""

    @property
    def newest(self) -> int:
        """The version that this program writes."""
        return len(self.steps)

    def bring_up_to_date(self, place: Place) -> int:
        """Make the file or schema, or add what its version lacks; the version before, 0 for none.

        All steps are one transaction. Raises what `connect` raises, and Conflict for a file of a
        newer version.
        """
        if isinstance(place, Schema):
            assert self.revisions
            return int(revisions.bring_up_to_date(place, self.revisions) or 0)
        return self._bring_file_up_to_date(place)

    def _bring_file_up_to_date(self, path: Path) -> int:
        with transaction(path) as database:
            if version_in(database) == self.newest:
                return self.newest
            database.execute("begin immediate")  # two processes may make the file at once
            before = version_in(database)
            if before > self.newest:
                raise Conflict(
                    say("{path} was made by a newer version.", path=path),
                    "Update Workbench; what is in the file stays as it is.",
                )
            if before == 0 and self._is_foreign(database):
                raise Damaged(say("{path} is damaged: {error}", path=path, error=FOREIGN))
            self.grow(database, self.newest)
        return before

    def version_of(self, place: Place) -> int:
        """The version of what exists; nothing is changed. Raises what `connect` does."""
        if isinstance(place, Schema):
            with connect(place) as server:
                return int(revisions.version_of(server, place) or 0)
        with transaction(place) as database:
            return version_in(database)

    def make(self, path: Path, version: int) -> None:
        """Make a file of that version, for rows of a damaged one; 0 stands for the newest."""
        with transaction(path) as database:
            database.execute("begin immediate")
            self.grow(database, min(version, self.newest) if version > 0 else self.newest)

    def grow(self, database: sqlite3.Connection, version: int) -> None:
        """Take the steps up to that version, within the caller's transaction."""
        for step in self.steps[version_in(database) : version]:
            if isinstance(step, str):
                run(database, step)
            else:
                step(database)
        database.execute(f"pragma user_version = {version}")

    def _is_foreign(self, database: sqlite3.Connection) -> bool:
        tables = tables_in(database)
        return bool(tables) and self.known_by not in tables


def version_in(database: sqlite3.Connection) -> int:
    """The number of the version of a file's tables; 0 where it has none."""
    return int(database.execute("pragma user_version").fetchone()[0])


def run(database: sqlite3.Connection, statements: str) -> None:
    """Run them one by one: executescript would commit, and so let another process in between."""
    statement = ""
    for line in statements.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            database.execute(statement)
            statement = ""
