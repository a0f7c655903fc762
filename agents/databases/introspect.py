"""A source -> its Schema: read from the database, cached in the workspace, with its notes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from agents.databases.database import open_session
from agents.databases.duckdb_catalogue import duckdb_tables
from agents.databases.files import left_out, table_files
from agents.databases.linking import prepare_linking
from agents.databases.notes import load_notes, with_notes
from agents.databases.passwords import trying_password
from agents.databases.reflection import reflected_tables
from agents.databases.schema import Column, Schema, TableSchema, from_dict, to_dict
from agents.databases.server_session import SqlSession, missing_limits
from agents.databases.session import Session
from agents.databases.sources import (
    DataSource,
    add_source,
    parse_place,
    remove_source,
    source_folder,
)
from agents.databases.sqlite_catalogue import sqlite_tables
from workbench.errors import Stopped, WorkbenchError
from workbench.files import read_json, write_json
from workbench.messages import pack, say
from workbench.settings import Settings

SAMPLED_ROWS = 200
SAMPLED_WITHIN = 5  # seconds for each table
SAMPLES = 8  # of a column
LONGEST_SAMPLE = 60  # characters
BLOB = re.compile(r"<\d+ bytes>")  # what a child makes of one
# parts of the names of columns whose values are never shown
SECRET = ("password", "passwd", "secret", "token", "salt", "密码", "口令")


def add_and_read(settings: Settings, name: str, place: str) -> tuple[DataSource, Schema]:
    """Add a source, read its schema and embed a large one; where reading fails, nothing stays."""
    source = add_source(settings, name, place)
    try:
        schema = load_schema(source, settings)
    except WorkbenchError:
        remove_source(settings, name)
        raise
    prepare_linking(schema, settings, source_folder(settings, source))
    return source, schema


def try_place(settings: Settings, name: str, place: str) -> int:
    """Connect to a URL or a file without keeping anything; returns how many tables it shows.

    Raises InvalidInput, NotFound or Unavailable.
    """
    source, password = parse_place(name or "new", place, settings)
    with trying_password(source.url, password):
        return count_tables(source, settings)


def count_tables(source: DataSource, settings: Settings) -> int:
    """Connect now, and count tables and views. Raises NotFound or Unavailable."""
    if source.from_files:
        return len(table_files(source))
    with open_session(source, settings, settings.query_seconds) as session:
        tables, _ = _tables(session)
    return len(tables)


def load_schema(source: DataSource, settings: Settings, refresh: bool = False) -> Schema:
    """The schema as it was last read, or read now; with the person's descriptions and synonyms."""
    cache = source_folder(settings, source) / "schema.json"
    schema = None if refresh else _cached(cache)
    if schema is None:
        # an endless view would take a whole query's time
        seconds = min(settings.query_seconds, SAMPLED_WITHIN)
        with open_session(source, settings, seconds) as session:
            schema = read_schema(session, seconds)
        schema = replace(schema, told=(*schema.told, *left_out(source, settings)))
        write_json(cache, to_dict(schema))
    return with_notes(schema, load_notes(source, settings))


def _cached(path: Path) -> Schema | None:
    try:
        known = read_json(path)
    except ValueError:  # a damaged cache is read again
        return None
    return from_dict(known) if known is not None else None


def read_schema(session: Session, seconds: float = SAMPLED_WITHIN) -> Schema:
    """Tables and views with comments, keys, row counts and sample values.

    The tables of PostgreSQL's and DuckDB's other schemas bear the schema in their name; other
    databases of a MySQL server stay closed. A view that does not answer in `seconds`, which are
    those of the session, is left out, and `told` says so.
    """
    tables, namespace = _tables(session)
    told = missing_limits(session) if isinstance(session, SqlSession) else []
    sampled = []
    for table in tables:
        try:
            sampled.append(_with_samples(session, table))
        except Stopped:
            session.rollback()
            told.append(
                say(
                    "The view {name} did not answer in {seconds:g} s: left out.",
                    name=table.name,
                    seconds=seconds,
                )
            )
    packed = tuple(pack(message) for message in told)
    return Schema(session.source.dialect, tuple(sampled), namespace, time.time(), packed)


def _tables(session: Session) -> tuple[list[TableSchema], str]:
    """(tables and views, name of the database or schema that they are in)."""
    if isinstance(session, SqlSession):
        return reflected_tables(session)
    if session.source.dialect == "sqlite":
        return sqlite_tables(session)
    return duckdb_tables(session)


def _with_samples(session: Session, table: TableSchema) -> TableSchema:
    """The table with a few short values of each column, and its row count if that is quick.

    Raises Stopped where its rows do not come in time.
    """
    if not table.columns:
        return table
    names = ", ".join(session.quote(column.name) for column in table.columns)
    place = ".".join(session.quote(part) for part in table.parts)
    # the statements below hold the server's own names only, quoted
    rows = _try(session, f"SELECT {names} FROM {place} LIMIT {SAMPLED_ROWS}")  # noqa: S608
    if rows is None:
        return table
    columns = []
    for number, column in enumerate(table.columns):
        values = () if is_secret(column) else _samples(row[number] for row in rows)
        columns.append(replace(column, samples=values))
    count = table.rows
    if len(rows) < SAMPLED_ROWS:
        count = len(rows)
    elif session.source.dialect == "sqlite":
        # SQLite has no estimate, and counting reads the whole table
        last = _try(session, f"SELECT max(rowid) FROM {place}")  # noqa: S608
        count = last[0][0] if last else None
    return replace(table, columns=tuple(columns), rows=count)


def _try(session: Session, statement: str) -> list[Any] | None:
    """The rows, or None where a view is broken: the next table is read all the same."""
    try:
        return session.fetch(statement)
    except Stopped:
        raise
    except WorkbenchError:
        session.rollback()
        return None


def is_secret(column: Column) -> bool:
    name = column.name.lower()
    return any(word in name for word in SECRET)


def _samples(values: Iterable[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}  # a set that keeps the order
    for value in values:
        if value is None or isinstance(value, bytes | bytearray | memoryview):
            continue
        if isinstance(value, str) and BLOB.fullmatch(value):
            continue
        text = " ".join(str(value).split())
        if text and len(text) <= LONGEST_SAMPLE:
            found[text] = None
        if len(found) == SAMPLES:
            break
    return tuple(found)
