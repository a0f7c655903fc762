"""A source -> a session that only reads, with errors of ours, whose query can be stopped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote as quote_path

from agents.databases.database_errors import QueryFailed as QueryFailed
from agents.databases.database_errors import maps_database_errors
from agents.databases.files import made_tables
from agents.databases.passwords import password_of
from agents.databases.sources import DataSource
from workbench.errors import NotFound
from workbench.messages import say
from workbench.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from sqlalchemy import Connection, Engine

CONNECTS_WITHIN = 5  # seconds
LOCK_WAIT = 3  # seconds
ANSWERS_WITHIN = 10  # seconds beyond a query's own time, before the socket is given up
LARGEST_CELL = 10_000_000  # bytes that SQLite may build in one value
DUCKDB_OPTIONS = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",  # a table name is never a Python variable
    "memory_limit": "2GB",
    "lock_configuration": "true",
}
POSTGRES_OPTIONS = {
    "default_transaction_read_only": "on",
    "standard_conforming_strings": "on",  # a backslash is itself, as the guard read it
    "lock_timeout": str(LOCK_WAIT * 1000),
}
# modes of MySQL under which it reads text in another way than it was checked
OTHER_READINGS = {
    "ANSI",
    "ANSI_QUOTES",
    "NO_BACKSLASH_ESCAPES",
    "PIPES_AS_CONCAT",
    "IGNORE_SPACE",
    "HIGH_NOT_PRECEDENCE",
    "ORACLE",
    "MSSQL",
    "DB2",
    "MAXDB",
    "POSTGRESQL",
}


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
        """End the running query on the server; nothing where none is running."""


class SqlSession(Session):
    """MySQL, PostgreSQL or SQLite through SQLAlchemy; `connection` is for its inspector."""

    def __init__(self, source: DataSource, connection: Connection, engine: Engine) -> None:
        super().__init__(source)
        self.connection = connection
        self._engine = engine
        driver: Any = connection.connection.driver_connection
        self._driver = driver
        self._id: int | None = None
        if source.dialect == "mysql":
            self._id = driver.thread_id()

    def _execute(self, sql: str, stream: bool) -> Rows:
        return self.connection.exec_driver_sql(sql, execution_options={"stream_results": stream})

    def rollback(self) -> None:
        self.connection.rollback()

    def stop(self) -> None:
        import sqlalchemy.exc

        if self.source.dialect == "mysql":
            with suppress(sqlalchemy.exc.SQLAlchemyError), self._engine.connect() as other:
                other.exec_driver_sql(f"KILL QUERY {self._id}")
        elif self.source.dialect == "postgres":
            self._driver.cancel_safe(timeout=CONNECTS_WITHIN)
        else:
            self._driver.interrupt()


class DuckSession(Session):
    """A DuckDB file through its own library; each statement is a transaction of its own."""

    def __init__(self, source: DataSource, connection: DuckDBPyConnection) -> None:
        super().__init__(source)
        self._connection = connection

    def _execute(self, sql: str, stream: bool) -> Rows:
        return DuckRows(self._connection.execute(sql))

    def rollback(self) -> None:
        pass

    def stop(self) -> None:
        self._connection.interrupt()


class DuckRows:
    """The result of the last statement, which DuckDB keeps in the connection itself."""

    def __init__(self, result: DuckDBPyConnection) -> None:
        self._result = result
        self.fetchmany = result.fetchmany
        self.fetchall = result.fetchall

    def keys(self) -> list[str]:
        return [column[0] for column in self._result.description or []]

    def close(self) -> None:
        pass  # closing the result would close the connection


def open_session(
    source: DataSource, settings: Settings, seconds: float
) -> AbstractContextManager[Session]:
    """A session in which a statement may take `seconds`. Raises Unavailable or NotFound."""
    if source.dialect == "duckdb":
        return _open_duckdb(source, settings)
    return _open_sql(source, seconds)


@contextmanager
def _open_duckdb(source: DataSource, settings: Settings) -> Iterator[Session]:
    """The time limit is the caller's: DuckDB has none, so that `stop` ends a query."""
    import duckdb

    path = made_tables(source, settings) if source.from_files else _existing(Path(source.file))
    options: dict[str, Any] = {"read_only": True, "config": DUCKDB_OPTIONS}
    with maps_database_errors(source), duckdb.connect(str(path), **options) as connection:
        yield DuckSession(source, connection)


@contextmanager
def _open_sql(source: DataSource, seconds: float) -> Iterator[Session]:
    engine = _engine(source, seconds)
    try:
        with maps_database_errors(source), engine.connect() as connection:
            # without this a % in a query would be read as a parameter
            connection = connection.execution_options(no_parameters=True)
            if source.dialect == "postgres":
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            if source.dialect == "mysql":
                _harden_mysql(connection, seconds)
            yield SqlSession(source, connection, engine)
    finally:
        engine.dispose()


def _engine(source: DataSource, seconds: float) -> Engine:
    import sqlalchemy
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    if source.dialect == "sqlite":
        return sqlalchemy.create_engine(
            "sqlite://", creator=lambda: _open_sqlite(Path(source.file)), poolclass=NullPool
        )
    options: dict[str, Any] = {"connect_timeout": CONNECTS_WITHIN}
    if source.dialect == "mysql":
        options |= {"read_timeout": seconds + ANSWERS_WITHIN, "charset": "utf8mb4"}
    else:
        limits = POSTGRES_OPTIONS | {"statement_timeout": str(int(seconds * 1000))}
        options["options"] = " ".join(f"-c {name}={value}" for name, value in limits.items())
    url = make_url(source.url).set(password=password_of(source.name, source.url) or None)
    return sqlalchemy.create_engine(url, connect_args=options, poolclass=NullPool)


def _open_sqlite(path: Path) -> Any:
    import sqlite3

    address = f"file:{quote_path(str(_existing(path)))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_CELL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise NotFound(say("{path} is gone.", path=path), "Put it back, or remove the source.")
    return path


def _harden_mysql(connection: Connection, seconds: float) -> None:
    """A read-only transaction with a time limit, and text read in the way the guard read it."""
    run = connection.exec_driver_sql
    modes = set(str(run("SELECT @@SESSION.sql_mode").scalar() or "").split(","))
    run(f"SET SESSION sql_mode = '{','.join(sorted(modes - OTHER_READINGS))}'")
    if "mariadb" in str(run("SELECT VERSION()").scalar()).lower():
        run(f"SET SESSION max_statement_time = {seconds}")
    else:
        run(f"SET SESSION max_execution_time = {seconds * 1000:.0f}")
    run(f"SET SESSION lock_wait_timeout = {LOCK_WAIT}")
    run("SET SESSION TRANSACTION READ ONLY")
    connection.rollback()  # the settings count from the next transaction on
    run("START TRANSACTION READ ONLY")
