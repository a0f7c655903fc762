"""Chats and accounts of a workspace: out of SQLite files into a server's schemas, and back.

Rows keep their keys. What they came from stays as it is.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from workbench.contributions import contributed_stores
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import writing
from workbench.messages import say
from workbench.settings import Settings
from workbench.sqlite_recovery import SIDES
from workbench.sqlite_store import Store
from workbench.storage import postgresql, revisions
from workbench.storage.connecting import connect, exists
from workbench.storage.copying import Copied, copy_rows, count_rows
from workbench.storage.place import MAIN, Schema, file_below, files_below

FROZEN = "REPEATABLE READ"  # all that a transaction reads is of one moment


@dataclass(frozen=True)
class Part:
    """Rows that a file of the workspace or a schema of the server has."""

    store: Store
    name: str
    """The file's path below the workspace."""
    schema: Schema


@dataclass(frozen=True)
class Moved:
    """What was copied; `aside` is the name of what it replaced."""

    file: str
    copied: Copied
    aside: str = ""


def to_server(settings: Settings, *, replace: bool = False) -> list[Moved]:
    """Copy the rows of all files below the workspace, all of them or none.

    Raises Conflict where the server has rows for one of them; with `replace` those are kept aside
    under another name.
    """
    parts = list(parts_in_files(settings))
    if not parts:
        raise NotFound(
            "The workspace has no chats or accounts in files.", "There is nothing to move."
        )
    done = []
    with _room_for(parts, replace) as asides:
        for part in parts:
            part.store.bring_up_to_date(settings.home / part.name)
            part.store.bring_up_to_date(part.schema)
        with postgresql.transaction(parts[0].schema) as server:
            for part in parts:
                server.enter(part.schema)
                with connect(settings.home / part.name) as file:
                    file.execute("begin immediate")  # nobody writes what would not be copied
                    copied = copy_rows(file, server, part.store.tables)
                done.append(Moved(part.name, copied, asides.get(part.schema, "")))
    return done


def to_files(settings: Settings, *, replace: bool = False) -> list[Moved]:
    """Copy the rows that the server has of this workspace into its files, as of one moment.

    Raises Conflict where one of the files exists; with `replace` it is kept aside.
    """
    done = []
    with parts_on_server(settings) as (server, parts):
        for part in parts:
            if (settings.home / part.name).exists() and not replace:
                raise Conflict(
                    say("{path} exists.", path=settings.home / part.name),
                    "Give --replace: the file is kept aside.",
                )
        for part in parts:
            path = settings.home / part.name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with writing(path) as new:
                copied = write_file(server, part, new)
                aside = _keep_aside(path)
            done.append(Moved(part.name, copied, aside))
    if not done:
        raise NotFound(
            "The server has no chats or accounts of this workspace.", "There is nothing to move."
        )
    return done


def parts_in_files(settings: Settings) -> Iterator[Part]:
    """Each file of the workspace whose rows could lie on the server."""
    url = _url_of(settings)
    for store in contributed_stores():
        if store.held and (settings.home / store.name).exists():
            yield Part(store, store.name, Schema(url, store.held))
        elif store.revisions and not store.held:
            for held, path in files_below(settings.home).items():
                name = path.relative_to(settings.home).as_posix()
                yield Part(store, name, Schema(url, held))


@contextmanager
def parts_on_server(
    settings: Settings,
) -> Iterator[tuple[postgresql.Transaction, list[Part]]]:
    """A transaction that sees one moment, and what the server has of this workspace."""
    url = _url_of(settings)
    schemas = postgresql.schemas_of(url)
    parts = []
    for store in contributed_stores():
        if store.held and store.held in schemas:
            parts.append(Part(store, store.name, schemas[store.held]))
        elif store.revisions and not store.held:
            for held, schema in schemas.items():
                name = file_below(settings.home, held)
                if name:
                    parts.append(Part(store, name, schema))
    with postgresql.transaction(Schema(url, MAIN), FROZEN) as server:
        yield server, parts


def rows_on_server(settings: Settings) -> Iterator[tuple[Schema, int]]:
    """The schemas of this workspace that hold rows, and how many."""
    with parts_on_server(settings) as (server, parts):
        for part in parts:
            server.enter(part.schema)
            count = count_rows(server, part.store.tables)
            if count:
                yield part.schema, count


def write_file(server: postgresql.Transaction, part: Part, path: Path) -> Copied:
    """Make an SQLite file of the rows in a schema, of its version, without a log beside it.

    Raises Conflict for a schema of a newer version than this program's.
    """
    server.enter(part.schema)
    version = int(revisions.version_of(server, part.schema))
    if version > part.store.newest:
        raise revisions.newer(part.schema)
    part.store.make(path, version)
    with connect(path) as file:
        copied = copy_rows(server, file, part.store.tables)
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
def _room_for(parts: Sequence[Part], replace: bool) -> Iterator[dict[Schema, str]]:
    """Schemas that hold rows are kept aside; after an exception they are where they were."""
    full = [part for part in parts if exists(part.schema)]
    for part in full:
        part.store.bring_up_to_date(part.schema)
        with connect(part.schema) as server:
            rows = count_rows(server, part.store.tables)
        if rows and not replace:
            raise Conflict(
                say("{place} has {count} rows already.", place=part.schema, count=rows),
                "Give --replace: they are kept aside under another name.",
            )
    asides: dict[Schema, str] = {}
    try:
        for part in full:
            asides[part.schema] = revisions.set_aside(part.schema)
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
