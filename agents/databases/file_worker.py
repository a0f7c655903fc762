"""The child that runs queries on SQLite and DuckDB files: requests in, rows of plain values out.

It has one connection at a time, which only reads. It imports nothing that a query does not need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from agents.databases.values import plain_size, plain_value
from workbench.limited_child import OUT_OF_MEMORY, Answer, limit_file_size, serve

CHUNK_SIZE = 1_000_000  # characters of rows in one answer
LARGEST_CELL = 10_000_000  # bytes that SQLite may build in one value
SQLITE_HEAP = 256_000_000  # bytes
DUCKDB_MEMORY = "200MB"  # what it holds before it writes to its temporary folder
TEMPORARY = 1_000_000_000  # bytes of a temporary file, and of DuckDB's folder of them
DUCKDB_THREADS = 1  # each more needs memory of its own
DUCKDB_OPTIONS = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",  # a table name is never a Python variable
    "memory_limit": DUCKDB_MEMORY,
    "threads": str(DUCKDB_THREADS),
    "max_temp_directory_size": f"{TEMPORARY}B",
    "lock_configuration": "true",
}


class Worker:
    """The connection that is open, and the query whose rows are being fetched."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._rows: Any = None
        self._errors: tuple[type[Exception], ...] = ()
        self._requests: dict[str, Callable[..., Answer]] = {
            "open": self._open,
            "run": self._run,
            "more": self._more,
            "close": self._close,
        }

    def answer(self, request: dict[str, Any]) -> Answer:
        """Do what is asked; {"problem": …} is what the database says against it."""
        act = self._requests[request.pop("do")]
        try:
            return act(**request)
        except self._errors as error:
            return OUT_OF_MEMORY if _is_too_big(error) else {"problem": str(error)}

    def _open(self, dialect: str, path: str, temporary: str) -> Answer:
        self._close()
        connect = _open_sqlite if dialect == "sqlite" else _open_duckdb
        # the drivers cannot make every date and number that a database holds into Python's
        self._errors = (_error_of(dialect), ValueError, OverflowError)
        self._connection = connect(path, temporary)
        return {}

    def _run(self, sql: str) -> Answer:
        self._rows = self._connection.execute(sql)
        columns = [column[0] for column in self._rows.description or []]
        return {"columns": columns, **self._more()}

    def _more(self) -> Answer:
        """Some more rows; none where there are no more."""
        rows: list[list[Any]] = []
        size = 0
        while size < CHUNK_SIZE:
            row = self._rows.fetchone()
            if row is None:
                break
            cells = [plain_value(value) for value in row]
            rows.append(cells)
            size += plain_size(cells)
        return {"rows": rows}

    def _close(self) -> Answer:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._rows = None
        return {}


def _is_too_big(error: Exception) -> bool:
    """Whether DuckDB is out of memory, or SQLite's temporary file is as large as it may be."""
    # nothing but temporary files is written
    is_unwritten = getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_WRITE"
    return is_unwritten or str(error).startswith("Out of Memory")


def _error_of(dialect: str) -> type[Exception]:
    if dialect == "sqlite":
        import sqlite3

        return sqlite3.Error
    import duckdb

    return duckdb.Error


def _open_sqlite(path: str, temporary: str) -> Any:
    """`temporary` is already in the environment, where SQLite reads it."""
    import sqlite3

    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA hard_heap_limit = {SQLITE_HEAP}")
    connection.execute("PRAGMA temp_store = FILE")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_CELL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _open_duckdb(path: str, temporary: str) -> Any:
    import duckdb

    options: dict[str, Any] = {**DUCKDB_OPTIONS, "temp_directory": temporary}
    return duckdb.connect(path, read_only=True, config=options)


if __name__ == "__main__":
    limit_file_size(TEMPORARY)
    serve(Worker().answer)
