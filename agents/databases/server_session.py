"""A server of MySQL or PostgreSQL -> a read-only session with the server's own limits.

A query that does not end is killed by a second connection: first the query, then its connection.
Where the server obeys neither, the source is paused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agents.databases.database_errors import maps_database_errors
from agents.databases.passwords import password_of
from agents.databases.pausing import pause, refuse_paused, still_running
from agents.databases.session import Rows, Session
from agents.databases.sources import DataSource
from workbench.errors import Stopped
from workbench.messages import Message, say
from workbench.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CONNECTS_WITHIN = 5  # seconds
LOCK_WAIT = 3  # seconds
IDLE = 60  # seconds that an open transaction may wait for our next word
ANSWERS_WITHIN = 3  # seconds beyond a query's own time, before the socket is given up
OBEYS_WITHIN = 0.3  # seconds between a kill and the next, harder one
MEMORY = 256_000_000  # bytes
TEMPORARY = 1_000_000_000  # bytes
# what every PostgreSQL knows and every account may set
POSTGRES_OPTIONS = {
    "default_transaction_read_only": "on",
    "standard_conforming_strings": "on",  # a backslash is itself, as the guard read it
    "lock_timeout": str(LOCK_WAIT * 1000),
    "idle_in_transaction_session_timeout": str(IDLE * 1000),
}
# what some versions or accounts lack
POSTGRES_LIMITS = {
    "temp_file_limit": TEMPORARY // 1024,  # kB
    "client_connection_check_interval": 1000,  # ms, until it sees that we have died
}
MYSQL_LIMITS = {
    "lock_wait_timeout": LOCK_WAIT,
    "innodb_lock_wait_timeout": LOCK_WAIT,
    "wait_timeout": IDLE,
    "idle_readonly_transaction_timeout": IDLE,  # MariaDB's, as those below
    "max_session_mem_used": MEMORY,
    "tmp_disk_table_size": TEMPORARY,
}
KILLS = {  # softest first
    "mysql": ("KILL QUERY {}", "KILL CONNECTION {}"),
    "postgres": ("SELECT pg_cancel_backend({})", "SELECT pg_terminate_backend({})"),
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

    def __init__(
        self,
        source: DataSource,
        settings: Settings,
        connection: Connection,
        engine: Engine,
        seconds: float,
    ) -> None:
        super().__init__(source, seconds)
        self.connection = connection
        self._settings = settings
        self._engine = engine
        self._answered = threading.Event()  # no query is running
        self._answered.set()
        self._stopped = False
        self._killer: threading.Thread | None = None
        driver: Any = connection.connection.driver_connection
        is_mysql = source.dialect == "mysql"
        self._id: int = driver.thread_id() if is_mysql else driver.info.backend_pid

    def _execute(self, sql: str, stream: bool) -> Rows:
        self._answered.clear()
        if self._stopped:
            raise Stopped("The query was stopped.")
        return self.connection.exec_driver_sql(sql, execution_options={"stream_results": stream})

    @contextmanager
    def cursor(self, sql: str, stream: bool = False) -> Iterator[Rows]:
        try:
            with super().cursor(sql, stream) as rows:
                yield rows
        finally:
            self._answered.set()

    def rollback(self) -> None:
        self.connection.rollback()

    def stop(self) -> None:
        self._stopped = True
        self._killer = threading.Thread(target=self._end_query, name=f"kill-{self.source.name}")
        self._killer.start()

    def close(self) -> None:
        """Wait until it is known what became of a query that was stopped."""
        if self._killer is not None:
            self._killer.join()

    def _end_query(self) -> None:
        """Kill the running query, harder each time; pause the source where nothing helps."""
        import sqlalchemy.exc

        if self._answered.is_set():
            return
        try:
            with self._engine.connect() as other:
                if self._is_ended_by(other):
                    return
        except sqlalchemy.exc.SQLAlchemyError:
            pass  # no second connection is to be had: what the query does is not known
        pause(self.source, self._settings, self._id)

    def _is_ended_by(self, other: Connection) -> bool:
        """Whether the server's word is that the query is gone."""
        softly, hard = KILLS[self.source.dialect]
        other.exec_driver_sql(softly.format(self._id))
        if self._answered.wait(OBEYS_WITHIN):
            return True
        other.exec_driver_sql(hard.format(self._id))
        # the answer alone proves nothing now: the connection breaks at once, the query may go on
        ends = time.monotonic() + OBEYS_WITHIN
        while time.monotonic() < ends:
            if not still_running(other, self.source, [self._id]):
                return True
            time.sleep(OBEYS_WITHIN / 10)
        return False


@contextmanager
def open_server(source: DataSource, settings: Settings, seconds: float) -> Iterator[SqlSession]:
    """A session in which a statement may take `seconds`.

    Raises NotFound, or Unavailable, also where the source is paused.
    """
    engine = _engine(source, seconds)
    try:
        with maps_database_errors(source), engine.connect() as connection:
            # without this a % in a query would be read as a parameter
            connection = connection.execution_options(no_parameters=True)
            refuse_paused(connection, source, settings)
            if source.dialect == "mysql":
                _harden_mysql(connection, seconds)
            else:
                _harden_postgres(connection)
            session = SqlSession(source, settings, connection, engine, seconds)
            try:
                yield session
            finally:
                session.close()
    finally:
        engine.dispose()


def missing_limits(session: SqlSession) -> list[Message]:
    """What the server does not limit for this account, for a person."""
    if session.source.dialect != "postgres":
        return []
    [(limit,)] = session.fetch("SELECT current_setting('temp_file_limit')")
    if limit != "-1":
        return []
    return [
        say(
            "This account may not limit its temporary files: a large sort could fill the server's "
            "disk. As an administrator: {statement}",
            statement="ALTER ROLE … SET temp_file_limit = '1GB'",
        )
    ]


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


def _harden_postgres(connection: Connection) -> None:
    for name, value in POSTGRES_LIMITS.items():
        _try_limit(connection, name, value)
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _harden_mysql(connection: Connection, seconds: float) -> None:
    """A read-only transaction with a time limit, and text read in the way the guard read it."""
    run = connection.exec_driver_sql
    modes = set(str(run("SELECT @@SESSION.sql_mode").scalar() or "").split(","))
    run(f"SET SESSION sql_mode = '{','.join(sorted(modes - OTHER_READINGS))}'")
    if "mariadb" in str(run("SELECT VERSION()").scalar()).lower():
        run(f"SET SESSION max_statement_time = {seconds}")
    else:
        run(f"SET SESSION max_execution_time = {seconds * 1000:.0f}")
    for name, value in MYSQL_LIMITS.items():
        _try_limit(connection, name, value)
    run("SET SESSION TRANSACTION READ ONLY")
    connection.rollback()  # the settings count from the next transaction on
    run("START TRANSACTION READ ONLY")


def _try_limit(connection: Connection, name: str, value: int) -> None:
    """Set a limit of the session that this server or this account may not know."""
    import sqlalchemy.exc

    try:
        connection.exec_driver_sql(f"SET SESSION {name} = {value}")
        connection.commit()  # PostgreSQL would take it back with the transaction
    except sqlalchemy.exc.DBAPIError:
        connection.rollback()
