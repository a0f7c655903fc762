"""What every connection to a database is to its user: queries, their rows, and a way to stop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from agents.databases.database_errors import maps_database_errors
from agents.databases.sources import DataSource


class Rows(Protocol):
    """What a query gives, as SQLAlchemy has it."""

    def keys(self) -> Any: ...
    def fetchmany(self, size: int) -> Any: ...
    def fetchall(self) -> Any: ...
    def close(self) -> None: ...


class Session(ABC):
    """One read-only connection. Only `stop` may be called from another thread."""

    def __init__(self, source: DataSource) -> None:
        self.source = source

    @contextmanager
    def cursor(self, sql: str, stream: bool = False) -> Iterator[Rows]:
        """The rows of a query; with `stream` the server keeps those that are not fetched yet.

        Raises QueryFailed, Stopped or Unavailable, also while rows are fetched.
        """
        with maps_database_errors(self.source, sql):
            rows = self._execute(sql, stream)
            try:
                yield rows
            finally:
                rows.close()

    def fetch(self, sql: str) -> list[Any]:
        """All rows of a query. Raises as `cursor`."""
        with self.cursor(sql) as rows:
            return list(rows.fetchall())

    def quote(self, name: str) -> str:
        """A real name as the dialect quotes it."""
        mark = "`" if self.source.dialect == "mysql" else '"'
        return mark + name.replace(mark, mark * 2) + mark

    @abstractmethod
    def _execute(self, sql: str, stream: bool) -> Rows: ...

    @abstractmethod
    def rollback(self) -> None:
        """Let the session go on after a query that failed."""

    @abstractmethod
    def stop(self) -> None:
        """End the running query, and do not wait for its end; nothing where none is running."""
