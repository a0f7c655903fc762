"""A schema of a server and how it grows: Alembic's revisions of a store.

The first revision makes the tables that an SQLite file has after the steps of its `Store` up to
that number, and each later one runs the step of its number. Alembic keeps a schema's number in a
table, a file's `user_version` is the same. A file takes its steps without Alembic, whose import
takes longer than all of them together.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Conflict
from workbench.messages import say
from workbench.storage.place import Schema

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

ENVIRONMENT = Path(__file__).with_name("alembic")
LONGEST = 63  # characters of a name in PostgreSQL
# Alembic keeps what it works on in variables of its module
_alembic = threading.Lock()
_ready: set[tuple[Schema, str]] = set()


def bring_up_to_date(schema: Schema, folder: Path) -> str:
    """Make the schema, or take the revisions that it lacks; returns the one before, empty for none.

    All of them are one transaction, and processes take turns. Raises Conflict for a schema of a
    newer version, and what `postgresql.maps_errors` raises.
    """
    from workbench.storage import postgresql

    newest = newest_in(folder)
    if (schema, newest) in _ready:
        return newest
    with postgresql.transaction(schema) as database:
        before = version_of(database, schema)
    if before != newest:
        # a look from before the turn would be remembered: the turn is a transaction of its own
        with _alembic, postgresql.turn(schema), postgresql.transaction(schema) as database:
            before = version_of(database, schema)
            _grow(database, schema, folder, before, newest)
    _ready.add((schema, newest))
    return before


def _grow(database: Any, schema: Schema, folder: Path, before: str, newest: str) -> None:
    from alembic import command

    if before and int(before) > int(newest):
        raise newer(schema)
    if before != newest:
        _make(database, schema)
        command.upgrade(_config(folder, database.connection, schema), "head")


def newer(schema: Schema) -> Conflict:
    """The schema is of no use for this program."""
    return Conflict(
        say("{path} was made by a newer version.", path=schema),
        "Update Workbench; what is in the file stays as it is.",
    )


def version_of(database: Any, schema: Schema) -> str:
    """The revision of a schema; empty where it has none. Nothing is changed."""
    query = "select to_regclass(:table) is not null"
    values = {"table": f"{schema.name}.alembic_version"}
    if not database.execute(query, values).fetchone()[0]:
        return ""
    row = database.execute("select version_num from alembic_version").fetchone()
    return str(row[0]) if row else ""


def set_aside(schema: Schema) -> str:
    """Give the schema another name, under which the program does not look; returns that name."""
    from workbench.storage import postgresql

    now = time.strftime("_%Y%m%d_%H%M%S")
    aside = schema.name[: LONGEST - len(now)] + now
    with postgresql.transaction(schema) as database:
        database.execute(f"comment on schema {schema.name} is null")
        database.execute(f"alter schema {schema.name} rename to {aside}")
    _forget(schema)
    return aside


def put_back(schema: Schema, aside: str) -> None:
    """Undo `set_aside`. What was made in place of the schema since then is dropped."""
    from workbench.storage import postgresql

    with postgresql.transaction(schema) as database:
        database.execute(f"drop schema if exists {schema.name} cascade")
        database.execute(f"alter schema {aside} rename to {schema.name}")
        _make(database, schema)
    _forget(schema)


def _forget(schema: Schema) -> None:
    """Look at the schema again before it is used next."""
    from workbench.storage import postgresql

    for known in [one for one in _ready if one[0] == schema]:
        _ready.discard(known)
    postgresql.forget(schema)


def newest_in(folder: Path) -> str:
    """The revision that this program writes; revisions are numbers that grow by one."""
    names = [path.stem.rpartition("_")[2] for path in folder.glob("version_*.py")]
    return max(names, key=int)


def _make(database: Any, schema: Schema) -> None:
    """The schema itself; its name is letters, figures and underscores."""
    held = schema.held.replace("'", "''").replace(":", "\\:")
    known = "select 1 from pg_namespace where nspname = :name"
    # who may not make schemas can be given an empty one
    if not database.execute(known, {"name": schema.name}).fetchone():
        database.execute(f"create schema {schema.name}")
    database.execute(f"comment on schema {schema.name} is '{held}'")


def _config(folder: Path, connection: Connection, schema: Schema) -> Config:
    """Where the revisions are, and what `alembic/env.py` works on."""
    from alembic.config import Config

    config = Config()
    places = {"script_location": ENVIRONMENT, "version_locations": folder}
    for name, place in places.items():
        config.set_main_option(name, str(place).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes.update({"connection": connection, "schema": schema.name})
    return config
