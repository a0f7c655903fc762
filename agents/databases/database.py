"""A source -> a session that only reads, with errors of ours, whose query can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.databases.database_errors import QueryFailed as QueryFailed
from agents.databases.database_errors import maps_database_errors
from agents.databases.file_session import open_file
from agents.databases.files import made_tables
from agents.databases.passwords import password_of
from agents.databases.session import Rows, Session
from agents.databases.sources import DataSource
from workbench.errors import NotFound
from workbench.messages import say
from workbench.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CONNECTS_WITHIN = 5  # seconds
LOCK_WAIT = 3  # seconds
ANSWERS_WITHIN = 10  # seconds beyond a query's own time, before the socket is given up
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


class SqlSession(Session):
    """MySQL or PostgreSQL through SQLAlchemy; `connection` is for its inspector."""

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
        else:
            self._driver.cancel_safe(timeout=CONNECTS_WITHIN)


@contextmanager
def open_session(source: DataSource, settings: Settings, seconds: float) -> Iterator[Session]:
    """A session in which a statement may take `seconds`.

    Raises Unavailable, NotFound or Stopped.
    """
    if source.url:
        with _open_sql(source, seconds) as session:
            yield session
        return
    path = made_tables(source, settings) if source.from_files else _existing(Path(source.file))
    with maps_database_errors(source), open_file(source, settings, path, seconds) as session:
        yield session


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

    options: dict[str, Any] = {"connect_timeout": CONNECTS_WITHIN}
    if source.dialect == "mysql":
        options |= {"read_timeout": seconds + ANSWERS_WITHIN, "charset": "utf8mb4"}
    else:
        limits = POSTGRES_OPTIONS | {"statement_timeout": str(int(seconds * 1000))}
        options["options"] = " ".join(f"-c {name}={value}" for name, value in limits.items())
    url = make_url(source.url).set(password=password_of(source.name, source.url) or None)
    return sqlalchemy.create_engine(url, connect_args=options, poolclass=NullPool)


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
