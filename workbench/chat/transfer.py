"""All chats of a workspace: out of its SQLite files into a server's schemas, and back.

Rows keep their numbers. What they came from stays as it is.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from workbench.chat.database import STORE, TABLES
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import writing
from workbench.messages import say
from workbench.settings import Settings
from workbench.sqlite_recovery import SIDES
from workbench.storage import postgresql, revisions
from workbench.storage.connecting import connect, exists
from workbench.storage.copying import Copied, copy_rows, count_rows
from workbench.storage.place import MAIN, Schema, file_below, files_below

FROZEN = "REPEATABLE READ"  # all that a transaction reads is of one moment


@dataclass(frozen=True)
class Moved:
    """What was copied, `file` being the path below the workspace; `aside` is what it replaced."""

    file: str
    copied: Copied
    aside: str = ""


def to_server(settings: Settings, *, replace: bool = False) -> list[Moved]:
    """Copy the chats of all files below the workspace, all of them or none.

    Raises Conflict where the server has chats for one of them; with `replace` those are kept aside
    under another name.
    """
    files = files_below(settings.home)
    url = _url_of(settings)
    if not files:
        raise NotFound("The workspace has no chats in files.", "There is nothing to move.")
    schemas = {held: Schema(url, held) for held in files}
    done = []
    with _room_for(list(schemas.values()), replace) as asides:
        for held, path in files.items():
            STORE.bring_up_to_date(path)
            STORE.bring_up_to_date(schemas[held])
        with postgresql.transaction(Schema(url, MAIN)) as server:
            for held, path in files.items():
                server.enter(schemas[held])
                with connect(path) as file:
                    file.execute("begin immediate")  # nobody writes what would not be copied
                    copied = copy_rows(file, server, TABLES)
                name = path.relative_to(settings.home).as_posix()
                done.append(Moved(name, copied, asides.get(schemas[held], "")))
    return done


def to_files(settings: Settings, *, replace: bool = False) -> list[Moved]:
    """Copy the chats that the server has of this workspace into its files, as of one moment.

    Raises Conflict where one of the files exists; with `replace` it is kept aside.
    """
    done = []
    with chats_on_server(settings) as (server, schemas):
        for name in schemas:
            if (settings.home / name).exists() and not replace:
                raise Conflict(
                    say("{path} exists.", path=settings.home / name),
                    "Give --replace: the file is kept aside.",
                )
        for name, schema in schemas.items():
            path = settings.home / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with writing(path) as part:
                copied = write_file(server, schema, part)
                aside = _keep_aside(path)
            done.append(Moved(name, copied, aside))
    if not done:
        raise NotFound("The server has no chats of this workspace.", "There is nothing to move.")
    return done


@contextmanager
def chats_on_server(
    settings: Settings,
) -> Iterator[tuple[postgresql.Transaction, dict[str, Schema]]]:
    """A transaction that sees one moment, and file below the workspace -> schema of its chats."""
    url = _url_of(settings)
    found: dict[str, Schema] = {}
    for held, schema in sorted(postgresql.schemas_of(url).items()):
        name = file_below(settings.home, held)
        if name:
            found[name] = schema
    with postgresql.transaction(Schema(url, MAIN), FROZEN) as server:
        yield server, found


def rows_on_server(settings: Settings) -> Iterator[tuple[Schema, int]]:
    """The schemas of this workspace that hold rows, and how many."""
    with chats_on_server(settings) as (server, schemas):
        for schema in schemas.values():
            server.enter(schema)
            count = count_rows(server, TABLES)
            if count:
                yield schema, count


def write_file(server: postgresql.Transaction, schema: Schema, path: Path) -> Copied:
    """Make an SQLite file of the chats in a schema, of its version, without a log beside it.

    Raises Conflict for a schema of a newer version than this program's.
    """
    server.enter(schema)
    version = int(revisions.version_of(server, schema))
    if version > STORE.newest:
        raise revisions.newer(schema)
    STORE.make(path, version)
    with connect(path) as file:
        copied = copy_rows(server, file, TABLES)
    with closing(sqlite3.connect(path)) as alone:
        alone.execute("pragma journal_mode = delete")
    return copied


def _url_of(settings: Settings) -> SecretStr:
    if not settings.database_url.get_secret_value():
        raise InvalidInput(
            "No database server is named.",
            "Export WORKBENCH_DATABASE_URL=postgresql://USER:PASSWORD@HOST/DATABASE before.",
        )
    return settings.database_url


@contextmanager
def _room_for(schemas: Sequence[Schema], replace: bool) -> Iterator[dict[Schema, str]]:
    """Schemas that hold rows are kept aside; after an exception they are where they were."""
    asides: dict[Schema, str] = {}
    for schema in schemas:
        if not exists(schema):
            continue
        STORE.bring_up_to_date(schema)
        with connect(schema) as server:
            rows = count_rows(server, TABLES)
        if rows and not replace:
            raise Conflict(
                say("{place} has {count} rows of chats already.", place=schema, count=rows),
                "Give --replace: they are kept aside under another name.",
            )
        asides[schema] = revisions.set_aside(schema)
    try:
        yield asides
    except BaseException:
        for schema, aside in asides.items():
            revisions.put_back(schema, aside)
        raise


def _keep_aside(path: Path) -> str:
    """Give the file another name, where it exists; returns that name."""
    if not path.exists():
        return ""
    aside = path.with_name(f"{path.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
    for side in ("", *SIDES):
        if path.with_name(path.name + side).exists():
            path.with_name(path.name + side).rename(aside.with_name(aside.name + side))
    return aside.name
