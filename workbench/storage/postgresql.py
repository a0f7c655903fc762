"""A schema of a PostgreSQL server -> transactions in it, from a bounded pool of connections.

The server's errors become WorkbenchErrors here. Nothing that is said holds the address's password.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from workbench.errors import Conflict, Damaged, Unavailable, Unwritable, WorkbenchError
from workbench.messages import say
from workbench.sqlite_file import WAIT
from workbench.storage.place import PREFIX, Schema

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine, TextClause
    from sqlalchemy.exc import DBAPIError

TURNS = 7_270_601  # the number of the lock under which tables are made and changed
KEPT, MORE = 5, 15  # connections that stay open, and those that a rush adds
CONNECT = 5  # seconds for a connection to be made
# a server that is gone without a word is noticed by the system, not by an answer that hangs
NOTICED = {
    "connect_timeout": CONNECT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# by the first characters of an error's SQLSTATE
AWAY = ("08", "28", "3D000", "53300", "57P")
UNWRITABLE = ("531", "25006", "42501")
DAMAGED = ("42P01", "42703", "3F000", "XX001", "XX002")
HELD = ("40", "55P03", "57014")
TAKEN = ("23505",)
BACKUP = "Restore a backup of that database, or name another in WORKBENCH_DATABASE_URL."
NUL = "\0"  # PostgreSQL keeps no such character in a text
INSTEAD = "\ufffd"
_found: set[Schema] = set()


class Transaction:
    """A connection within a transaction, used as SQLite's own connections are."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def enter(self, schema: Schema) -> None:
        """From now on, names of tables mean those of that schema."""
        # of this transaction alone: the connection goes back to the pool for another schema
        enter = "select set_config('search_path', :name, true), set_config(:wait, :most, true)"
        most = {"wait": "lock_timeout", "most": f"{WAIT:.0f}s"}
        self.execute(enter, most | {"name": schema.name})

    def execute(self, query: str, values: Mapping[str, Any] | None = None, /) -> CursorResult[Any]:
        return self.connection.execute(_parsed(query), stored(values or {}))

    def executemany(self, query: str, values: Iterable[Mapping[str, Any]], /) -> None:
        rows = [stored(row) for row in values]
        if rows:
            self.connection.execute(_parsed(query), rows)


@contextmanager
def transaction(schema: Schema, isolation: str = "READ COMMITTED") -> Iterator[Transaction]:
    """One transaction in the schema: committed at the end, rolled back after an error.

    Names of tables mean those of the schema alone. Raises what `maps_errors` raises.
    """
    with maps_errors(schema), engine_of(schema.url).connect() as connection:
        connection.execution_options(isolation_level=isolation)
        with connection.begin():
            found = Transaction(connection)
            found.enter(schema)
            yield found


@contextmanager
def turn(schema: Schema) -> Iterator[None]:
    """Wait for whoever makes or changes tables on that server, and keep others waiting."""
    with maps_errors(schema), engine_of(schema.url).connect() as connection, connection.begin():
        connection.execute(_parsed("select pg_advisory_xact_lock(:turns)"), {"turns": TURNS})
        yield


def has(schema: Schema) -> bool:
    """Whether the schema exists and is not empty. One that did is not looked for again."""
    if schema not in _found:
        query = "select 1 where to_regclass(:table) is not null"
        table = {"table": f"{schema.name}.alembic_version"}
        with transaction(schema) as database:
            if not database.execute(query, table).fetchone():
                return False
        _found.add(schema)
    return True


def forget(schema: Schema) -> None:
    """Look for the schema again."""
    _found.discard(schema)


def schemas_of(url: SecretStr) -> dict[str, Schema]:
    """Whose rows a server holds -> the schema, for all schemas of this program on it."""
    query = """
        select obj_description(oid, 'pg_namespace') from pg_namespace
        where starts_with(nspname, :prefix) order by nspname"""
    anywhere = Schema(url, "")
    with maps_errors(anywhere), engine_of(url).connect() as connection:
        found = [held for (held,) in connection.execute(_parsed(query), {"prefix": PREFIX})]
    return {held: Schema(url, held) for held in found if held}


@lru_cache(maxsize=8)
def engine_of(url: SecretStr) -> Engine:
    """The pool of connections to a server, one for a process."""
    from sqlalchemy import create_engine, make_url

    address = make_url(url.get_secret_value()).set(drivername="postgresql+psycopg")
    return create_engine(
        address,
        pool_size=KEPT,
        max_overflow=MORE,
        pool_timeout=WAIT,
        pool_pre_ping=True,  # a server that was started again is met by new connections
        connect_args=NOTICED,
        hide_parameters=True,  # texts of chats are in no error and no log
    )


@contextmanager
def maps_errors(schema: Schema) -> Iterator[None]:
    """Errors of the server become Unavailable, Unwritable, Damaged or Conflict; others pass."""
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    try:
        yield
    except PoolTimeout as error:
        raise Unavailable(
            say("{place} is busy: no connection became free.", place=schema.server),
            "Try again in a moment.",
        ) from error
    except DBAPIError as error:
        found = _as_workbench_error(error, schema)
        if found is None:
            raise
        raise found from error


def _as_workbench_error(error: DBAPIError, schema: Schema) -> WorkbenchError | None:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    lines = str(error.orig).strip().splitlines()
    server = schema.server
    said = lines[0] if lines else type(error.orig).__name__
    # of a connection that was not made, the library tells no state
    if error.connection_invalidated or not state or state.startswith(AWAY):
        return Unavailable(
            say("The database server {place} cannot be used: {error}", place=server, error=said),
            "Start it, or check WORKBENCH_DATABASE_URL; the app goes on when it is back.",
        )
    if state.startswith(UNWRITABLE):
        return Unwritable(
            say("{name} cannot be written or read: {error}", name=server, error=said),
            "Free the server's disk, or give its user the rights; what was kept before stays.",
        )
    if state.startswith(DAMAGED):
        return Damaged(say("{path} is damaged: {error}", path=schema, error=said), BACKUP)
    if state.startswith(HELD):
        return Unavailable(
            say("Another program holds {path}.", path=server),
            "Wait until it has ended, or close it; then try again.",
        )
    if state.startswith(TAKEN):
        return Conflict(
            say("Somebody else has just written the same to {place}.", place=server),
            "Look at it again, and repeat what is still missing.",
        )
    return None


@lru_cache(maxsize=256)
def _parsed(query: str) -> TextClause:
    from sqlalchemy import text

    return text(query)


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as a server keeps them."""
    return {name: _as_kept(value) for name, value in values.items()}


def _as_kept(value: Any) -> Any:
    """Flags are numbers in both kinds of place."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and NUL in value:
        return value.replace(NUL, INSTEAD)
    return value
