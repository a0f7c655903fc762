"""A server of MySQL or PostgreSQL -> a read-only session with the server's own limits.

A query that does not end is killed by a second connection: first the query, then its connection.
Where the server obeys neither, the source is paused.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from agents.databases.database_errors import maps_database_errors, too_slow
from agents.databases.passwords import password_of
from agents.databases.pausing import pause, refuse_paused, still_running
from agents.databases.session import Rows, Session
from agents.databases.sources import DataSource
from workbench.errors import Stopped, WorkbenchError
from workbench.messages import Message, say
from workbench.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CONNECTS_WITHIN = 5  # seconds
NO_FILE = "/nowhere/pgpass"
LOCK_WAIT = 3  # seconds
IDLE = 60  # seconds that an open transaction may wait for our next word
ANSWERS_WITHIN = 3  # seconds beyond a query's own time, before the socket is given up
LATE = 0.8  # seconds after a query's own time when it is killed, unless somebody has stopped it
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
    """MySQL or PostgreSQL through SQLAlchemy; `connection` is for its inspector.

    A query that nobody stops is killed by a timer, a little after the server should have ended it.
    """

    def __init__(
        self, source: DataSource, settings: Settings, engine: Engine, seconds: float
    ) -> None:
        super().__init__(source, seconds)
        self._settings = settings
        self._engine = engine
        self._answered = threading.Event()  # no query is running
        self._answered.set()
        self._ending = threading.Lock()
        self._why: Stopped | None = None  # a query was killed, and this is what is said of it
        self._stopped = False
        self._killer: threading.Thread | None = None
        self._connect()

    def _connect(self) -> None:
        self.connection = _hardened(self._engine, self.source, self.seconds)
        driver: Any = self.connection.connection.driver_connection
        is_mysql = self.source.dialect == "mysql"
        self._id: int = driver.thread_id() if is_mysql else driver.info.backend_pid
        number = driver._sock.fileno() if is_mysql else driver.fileno()
        self._line = socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM)

    def _execute(self, sql: str, stream: bool) -> Rows:
        self._answered.clear()
        if self._stopped:
            raise Stopped("The query was stopped.")
        return self.connection.exec_driver_sql(sql, execution_options={"stream_results": stream})

    @contextmanager
    def cursor(self, sql: str, stream: bool = False) -> Iterator[Rows]:
        timer = threading.Timer(self.seconds + LATE, self._end_late)
        timer.start()
        try:
            with super().cursor(sql, stream) as rows:
                yield rows
        except WorkbenchError as error:
            if self._why is None:
                raise
            raise self._why from error  # a connection that was killed breaks with any words
        finally:
            self._answered.set()
            timer.cancel()
            timer.join()

    def rollback(self) -> None:
        if self._why is None:
            self.connection.rollback()
        elif not self._stopped:
            self._disconnect()
            self._why = None
            with maps_database_errors(self.source):
                self._connect()

    def stop(self) -> None:
        self._stopped = True
        self._why = self._why or Stopped("The query was stopped.")
        self._killer = threading.Thread(target=self._end_query, name=f"kill-{self.source.name}")
        self._killer.start()

    def close(self) -> None:
        """Wait until it is known what became of a query that was stopped."""
        if self._killer is not None:
            self._killer.join()
        self._disconnect()

    def _disconnect(self) -> None:
        if self._why is not None:
            self.connection.invalidate()  # what was killed hears no more farewell
        self.connection.close()
        self._line.close()

    def _end_late(self) -> None:
        if not self._answered.is_set():
            self._why = self._why or too_slow(self.seconds)
            self._end_query()

    def _end_query(self) -> None:
        """Kill the running query, harder each time; pause the source where nothing helps."""
        with self._ending:
            if self._answered.is_set() or self._is_killed():
                return
            pause(self.source, self._settings, self._id)
            with suppress(OSError):  # it was closed meanwhile
                # whoever waits for the server goes on; the server itself does not notice
                self._line.shutdown(socket.SHUT_RDWR)

    def _is_killed(self) -> bool:
        """Whether the server's word is that the query is gone."""
        import sqlalchemy.exc

        softly, hard = KILLS[self.source.dialect]
        try:
            with self._engine.connect() as other:
                other.exec_driver_sql(softly.format(self._id))
                if self._answered.wait(OBEYS_WITHIN):
                    return True
                other.exec_driver_sql(hard.format(self._id))
                return self._is_gone(other)
        except sqlalchemy.exc.SQLAlchemyError:
            return False  # no second connection is to be had: what the query does is not known

    def _is_gone(self, other: Connection) -> bool:
        # that the connection breaks proves nothing: the query may go on without it
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
        with maps_database_errors(source):
            session = SqlSession(source, settings, engine, seconds)
            try:
                refuse_paused(session.connection, source, settings)
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
    password = password_of(source.name, source.url, source.space)
    if source.space and source.dialect == "postgres":
        # else the driver looks for a password of whoever runs this process
        options |= {"password": password, "passfile": NO_FILE}
    url = make_url(source.url).set(password=password or None)
    return sqlalchemy.create_engine(url, connect_args=options, poolclass=NullPool)


def _hardened(engine: Engine, source: DataSource, seconds: float) -> Connection:
    """A connection that only reads, within the limits."""
    # without this a % in a query would be read as a parameter
    connection = engine.connect().execution_options(no_parameters=True)
    try:
        if source.dialect == "mysql":
            _harden_mysql(connection, seconds)
        else:
            _harden_postgres(connection)
    except BaseException:
        connection.close()
        raise
    return connection


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
