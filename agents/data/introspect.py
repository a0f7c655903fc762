"""A source -> its Schema, read from the database, cached in the workspace, with the person's notes put on."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agents.data.database import Session, open_session
from agents.data.notes import load_notes, with_notes
from agents.data.schema import Column, ForeignKey, Schema, Table, from_dict, to_dict
from agents.data.sources import Source, read_json, source_folder, write_json
from workbench.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Inspector

SAMPLED_ROWS = 200
SAMPLES = 8
LONGEST_SAMPLE = 60
SECRET = ("password", "passwd", "secret", "token", "salt", "密码", "口令")  # columns whose values are never shown
COUNTED = "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()"
ESTIMATED = (
    "SELECT relname, reltuples::bigint FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    " AND relkind IN ('r', 'p', 'm')"
)
DUCKDB_COLUMNS = (
    "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal"
    " AND database_name = current_database() ORDER BY table_name, column_index"
)
DUCKDB_TABLES = (
    "SELECT table_name, comment, estimated_size FROM duckdb_tables() WHERE schema_name = 'main' AND NOT internal"
    " AND database_name = current_database()"
)
DUCKDB_KEYS = (
    "SELECT table_name, constraint_type, constraint_column_names, referenced_table, referenced_column_names"
    " FROM duckdb_constraints() WHERE schema_name = 'main' AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')"
)
PREFIXES = ("pg_", "sqlite_")  # a table of such a name would be mistaken for the server's own


def load_schema(source: Source, settings: Settings, refresh: bool = False) -> Schema:
    """The schema as it was last read, or read now; with the person's descriptions and synonyms."""
    cache = source_folder(settings, source) / "schema.json"
    known = None if refresh else read_json(cache)
    if known is None:
        with open_session(source, settings, settings.query_seconds) as session:
            schema = read_schema(session)
        write_json(cache, to_dict(schema))
    else:
        schema = from_dict(known)
    return with_notes(schema, load_notes(source, settings))


def read_schema(session: Session) -> Schema:
    """Tables and views of the source's own namespace, with comments, keys, row counts and sample values."""
    if session.source.dialect == "duckdb":
        tables, namespace = list(_duckdb_tables(session)), "main"
    else:
        import sqlalchemy

        inspector = sqlalchemy.inspect(session.connection)
        namespace = inspector.default_schema_name or ""
        counts = _row_counts(session)
        names = [*inspector.get_table_names(), *inspector.get_view_names()]
        read = [_table(inspector, name, counts) for name in names if not name.lower().startswith(PREFIXES)]
        tables = [table for table in read if table]
    sampled = tuple(_with_samples(session, table) for table in tables)
    return Schema(session.source.dialect, sampled, namespace, time.time())


def _table(inspector: Inspector, name: str, counts: dict[str, int]) -> Table | None:
    """One table or view; None for a view that the server itself cannot read any more."""
    from sqlalchemy.exc import NoSuchTableError, UnreflectableTableError

    try:
        return _reflected(inspector, name, counts)
    except (UnreflectableTableError, NoSuchTableError):
        return None


def _reflected(inspector: Inspector, name: str, counts: dict[str, int]) -> Table:
    primary = set(inspector.get_pk_constraint(name).get("constrained_columns") or [])
    columns = tuple(
        Column(column["name"], str(column["type"]), column.get("comment") or "", column["name"] in primary)
        for column in inspector.get_columns(name)
    )
    keys = tuple(
        ForeignKey(own, key["referred_table"], other)
        for key in inspector.get_foreign_keys(name)
        for own, other in zip(key["constrained_columns"], key["referred_columns"], strict=False)
    )
    return Table(name, columns, _comment(inspector, name), counts.get(name), keys)


def _comment(inspector: Inspector, name: str) -> str:
    try:
        return inspector.get_table_comment(name).get("text") or ""
    except NotImplementedError:  # SQLite keeps none
        return ""


def _row_counts(session: Session) -> dict[str, int]:
    """Rows by table: the servers' own estimates; SQLite is counted table by table when it is sampled."""
    statement = {"mysql": COUNTED, "postgres": ESTIMATED}.get(session.source.dialect)
    if statement is None:
        return {}
    rows = session.connection.exec_driver_sql(statement)
    return {str(name): int(count) for name, count in rows if count is not None and count >= 0}


def _duckdb_tables(session: Session) -> Iterable[Table]:
    run = session.connection.exec_driver_sql
    columns: dict[str, list[Column]] = {}
    for table, name, kind, comment in run(DUCKDB_COLUMNS):
        columns.setdefault(table, []).append(Column(name, kind, comment or ""))
    facts = {name: (comment, rows) for name, comment, rows in run(DUCKDB_TABLES)}
    keys = run(DUCKDB_KEYS).fetchall()
    for name, found in columns.items():
        primary = {column for row in keys if row[0] == name and row[1] == "PRIMARY KEY" for column in row[2]}
        foreign = tuple(
            ForeignKey(own, row[3], other) for row in keys if row[0] == name and row[1] == "FOREIGN KEY"
            for own, other in zip(row[2], row[4], strict=False)
        )  # fmt: skip
        comment, rows = facts.get(name, ("", None))
        yield Table(name, tuple(replace(c, primary=c.name in primary) for c in found), comment or "", rows, foreign)


def _with_samples(session: Session, table: Table) -> Table:
    """The table with a few short distinct values of each column, and its row count where that is quick."""
    quote = session.connection.dialect.identifier_preparer.quote_identifier
    names = ", ".join(quote(column.name) for column in table.columns)
    statement = f"SELECT {names} FROM {quote(table.name)} LIMIT {SAMPLED_ROWS}"  # noqa: S608 – the server's own names, quoted
    rows = _try(session, statement) if names else None
    if rows is None:
        return table
    columns = tuple(
        replace(column, samples=() if _secret(column) else _samples(row[number] for row in rows))
        for number, column in enumerate(table.columns)
    )
    count: int | None = table.rows
    if len(rows) < SAMPLED_ROWS:
        count = len(rows)
    elif session.source.dialect == "sqlite":
        last = _try(session, f"SELECT max(rowid) FROM {quote(table.name)}")  # noqa: S608 – as above; counting reads it all
        count = last[0][0] if last else None
    return replace(table, columns=columns, rows=count)


def _try(session: Session, statement: str) -> list[Any] | None:
    """The rows, or None where a view is broken or too slow; what comes next is read all the same."""
    from sqlalchemy.exc import DBAPIError

    try:
        return list(session.connection.exec_driver_sql(statement).fetchall())
    except DBAPIError:
        session.connection.rollback()
        return None


def _secret(column: Column) -> bool:
    return any(word in column.name.lower() for word in SECRET)


def _samples(values: Iterable[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in values:
        if value is None or isinstance(value, bytes | bytearray | memoryview):
            continue
        text = " ".join(str(value).split())
        if text and len(text) <= LONGEST_SAMPLE:
            found[text] = None
        if len(found) == SAMPLES:
            break
    return tuple(found)
