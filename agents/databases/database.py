"""A source -> a connection that cannot write, whose errors are in our words, and whose query can be stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from agents.databases.files import made_tables
from agents.databases.sources import Source, password_of
from workbench.errors import InvalidInput, NotFound, Stopped, Unavailable, WorkbenchError
from workbench.messages import say
from workbench.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CONNECTS_WITHIN = 5  # seconds
LARGEST_CELL = 10_000_000  # bytes that SQLite may build in one value
MEMORY = "2GB"  # that DuckDB may take
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


class QueryFailed(InvalidInput):
    """The database refused the query; `problem` holds its message."""


class Session:
    """One read-only connection. `stop` may be called from another thread and ends the query on the server."""

    def __init__(self, source: Source, connection: Connection, engine: Engine) -> None:
        self.source = source
        self.connection = connection
        self._engine = engine
        driver: Any = connection.connection.driver_connection
        self._driver = driver
        self._id = driver.thread_id() if source.dialect == "mysql" else None

    def stop(self) -> None:
        """End the running query; nothing where none is running."""
        import sqlalchemy.exc

        if self.source.dialect == "mysql":
            with suppress(sqlalchemy.exc.SQLAlchemyError), self._engine.connect() as other:
                other.exec_driver_sql(f"KILL QUERY {self._id}")
        elif self.source.dialect == "postgres":
            self._driver.cancel_safe(timeout=CONNECTS_WITHIN)
        else:
            self._driver.interrupt()


@contextmanager
def open_session(source: Source, settings: Settings, seconds: float) -> Iterator[Session]:
    """A session in a read-only transaction in which a statement may take `seconds`. Raises Unavailable or NotFound."""
    engine = _engine(source, settings, seconds)
    try:
        with maps_database_errors(source), engine.connect() as connection:
            connection = connection.execution_options(
                no_parameters=True
            )  # a % in a query is no parameter
            _harden(source, connection, seconds)
            yield Session(source, connection, engine)
    finally:
        engine.dispose()


def _engine(source: Source, settings: Settings, seconds: float) -> Engine:
    import sqlalchemy
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    if source.dialect == "sqlite":
        return sqlalchemy.create_engine(
            "sqlite://", creator=lambda: _open_sqlite(Path(source.file)), poolclass=NullPool
        )
    if source.dialect == "duckdb":
        path = made_tables(source, settings) if source.from_files else _existing(Path(source.file))
        config = {
            "enable_external_access": "false",
            "python_enable_replacements": "false",
            "memory_limit": MEMORY,
            "lock_configuration": "true",
        }
        url = sqlalchemy.URL.create("duckdb", database=str(path))
        return sqlalchemy.create_engine(
            url, connect_args={"read_only": True, "config": config}, poolclass=NullPool
        )
    url = make_url(source.url).set(password=password_of(source) or None)
    if source.dialect == "mysql":
        options: dict[str, Any] = {
            "connect_timeout": CONNECTS_WITHIN,
            "read_timeout": seconds + 10,
            "charset": "utf8mb4",
        }
    else:
        options = {
            "connect_timeout": CONNECTS_WITHIN,
            "options": f"-c default_transaction_read_only=on -c statement_timeout={int(seconds * 1000)}"
            " -c standard_conforming_strings=on -c lock_timeout=3000",
        }
    return sqlalchemy.create_engine(url, connect_args=options, poolclass=NullPool)


def _open_sqlite(path: Path) -> Any:
    import sqlite3

    connection = sqlite3.connect(
        f"file:{quote(str(_existing(path)))}?mode=ro", uri=True, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_CELL)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise NotFound(say("{path} is gone.", path=path), "Put it back, or remove the source.")
    return path


def _harden(source: Source, connection: Connection, seconds: float) -> None:
    """A read-only transaction with a time limit, and text read in the way in which it was checked."""
    if source.dialect == "postgres":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    if source.dialect != "mysql":
        return
    run = connection.exec_driver_sql
    modes = set(str(run("SELECT @@SESSION.sql_mode").scalar() or "").split(",")) - OTHER_READINGS
    run(f"SET SESSION sql_mode = '{','.join(sorted(modes))}'")
    maria = "mariadb" in str(run("SELECT VERSION()").scalar()).lower()
    run(
        f"SET SESSION max_statement_time = {seconds}"
        if maria
        else f"SET SESSION max_execution_time = {seconds * 1000:.0f}"
    )
    run("SET SESSION lock_wait_timeout = 3")
    run("SET SESSION TRANSACTION READ ONLY")
    connection.rollback()
    run("START TRANSACTION READ ONLY")


@contextmanager
def maps_database_errors(source: Source) -> Iterator[None]:
    """What SQLAlchemy and the drivers raise, in our words and without the password."""
    import duckdb
    import sqlalchemy.exc

    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        raise _in_our_words(source, error.orig or error, error.statement or "") from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise Unavailable(
            say("{name}: {source}", name=source.name, source=_message(source, error)),
            "See: workbench data schema",
        ) from error
    except duckdb.Error as error:
        raise _in_our_words(source, error, "") from error


def _in_our_words(source: Source, error: BaseException, statement: str) -> WorkbenchError:
    text = _message(source, error)
    lowered = text.lower()
    if re.search(
        r"access denied|authentication failed|password authentication|no password supplied", lowered
    ):
        name = re.sub(r"[^A-Z0-9]", "_", source.name.upper())
        return Unavailable(
            say("{address} refuses the user or the password.", address=source.address),
            say(
                "Export the right one as WORKBENCH_DATA_PASSWORD_{name}, or add the source again.",
                name=name,
            ),
        )
    if re.search(
        r"can't connect|connection refused|could not connect|timeout expired|lost connection|server closed"
        r"|connection failed|name or service|could not translate|connection timeout|gone away",
        lowered,
    ):
        return Unavailable(
            say("{address} does not answer.", address=source.address),
            "Start the server, or correct the address; then ask again.",
        )
    if re.search(r"unknown database|database \"[^\"]*\" does not exist", lowered):
        return NotFound(
            say("{address}: {text}", address=source.address, text=text),
            "Correct the name of the database: remove the source and add it again.",
        )
    if re.search(
        r"max_statement_time|maximum statement execution|statement timeout|canceling statement|interrupt|query execution was",
        lowered,
    ):
        return Stopped(
            "The query took too long or was stopped.",
            "Narrow it down, or raise WORKBENCH_QUERY_SECONDS.",
        )
    if not statement:
        return Unavailable(
            say("{name}: {text}", name=source.name, text=text),
            "Check that the file is a database that nobody else has locked.",
        )
    return QueryFailed(
        text, "If tables have changed, refresh: workbench data schema " + source.name + " --refresh"
    )


def _message(source: Source, error: BaseException) -> str:
    """The driver's message on one line, with the password taken out."""
    arguments = error.args
    text = str(arguments[1]) if len(arguments) > 1 and isinstance(arguments[0], int) else str(error)
    text = " ".join(line.strip() for line in text.splitlines()[:2]) or type(error).__name__
    password = password_of(source) if source.url else ""
    return text.replace(password, "…") if password else text
