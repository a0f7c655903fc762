"""A source -> its Schema, read from the database, cached in the workspace, with the person's notes put on."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agents.databases.database import Session, open_session
from agents.databases.notes import load_notes, with_notes
from agents.databases.schema import Column, ForeignKey, Schema, Table, from_dict, to_dict
from agents.databases.sources import Source, read_json, source_folder, write_json
from workbench.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Inspector

SAMPLED_ROWS = 200
SAMPLES = 8
LONGEST_SAMPLE = 60
SECRET = (
    "password",
    "passwd",
    "secret",
    "token",
    "salt",
    "密码",
    "口令",
)  # columns whose values are never shown
COUNTED = (
    "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()"
)
ESTIMATED = (
    "SELECT relname, reltuples::bigint FROM pg_class WHERE relnamespace = quote_ident({})::regnamespace"
    " AND relkind IN ('r', 'p', 'm')"
)
# the schemas of PostgreSQL that are not the server's own and that this user may look into
OTHER_SCHEMAS = (
    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', current_schema())"
    " AND has_schema_privilege(nspname, 'USAGE') ORDER BY nspname"
)
DUCKDB_COLUMNS = (
    "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal"
    " AND database_name = current_database() ORDER BY schema_name <> 'main', schema_name, table_name, column_index"
)
DUCKDB_TABLES = (
    "SELECT schema_name, table_name, comment, estimated_size FROM duckdb_tables() WHERE NOT internal"
    " AND database_name = current_database()"
)
DUCKDB_KEYS = (
    "SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table, referenced_column_names"
    " FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')"
    " AND database_name = current_database()"
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
    """Tables and views with comments, keys, row counts and sample values.

    Those of PostgreSQL's and DuckDB's other schemas are named with them; other databases of a MySQL server stay closed.
    """
    if session.source.dialect == "duckdb":
        tables, namespace = list(_duckdb_tables(session)), "main"
    else:
        import sqlalchemy

        inspector = sqlalchemy.inspect(session.connection)
        namespace = inspector.default_schema_name or ""
        others = (
            session.connection.exec_driver_sql(OTHER_SCHEMAS)
            if session.source.dialect == "postgres"
            else ()
        )
        tables = _tables(session, inspector, "")
        for (other,) in list(others):
            tables += _tables(session, inspector, other)
    sampled = tuple(_with_samples(session, table) for table in tables)
    return Schema(session.source.dialect, sampled, namespace, time.time())


def _tables(session: Session, inspector: Inspector, namespace: str) -> list[Table]:
    """The tables and views of one schema, empty for the source's own, without what the server cannot read any more."""
    from sqlalchemy.exc import NoSuchTableError, OperationalError, UnreflectableTableError

    counts = _row_counts(session, namespace)
    space = namespace or None
    found = []
    for name in [*inspector.get_table_names(space), *inspector.get_view_names(space)]:
        if name.lower().startswith(PREFIXES):
            continue
        try:
            found.append(_reflected(inspector, name, namespace, counts))
        except (UnreflectableTableError, NoSuchTableError):
            continue
        except OperationalError:  # SQLite's word for a view of a table that is gone
            if session.source.dialect != "sqlite":
                raise
    return found


def _reflected(inspector: Inspector, name: str, namespace: str, counts: dict[str, int]) -> Table:
    space = namespace or None
    primary = set(inspector.get_pk_constraint(name, space).get("constrained_columns") or [])
    columns = tuple(
        Column(
            column["name"],
            str(column["type"]),
            column.get("comment") or "",
            column["name"] in primary,
        )
        for column in inspector.get_columns(name, space)
    )
    keys = tuple(
        ForeignKey(own, _within(key.get("referred_schema"), key["referred_table"]), other)
        for key in inspector.get_foreign_keys(name, space)
        for own, other in zip(key["constrained_columns"], key["referred_columns"], strict=False)
    )
    comment = _comment(inspector, name, space)
    return Table(
        _within(namespace, name), columns, comment, counts.get(name), keys, namespace=namespace
    )


def _within(namespace: str | None, name: str) -> str:
    return f"{namespace}.{name}" if namespace else name


def _comment(inspector: Inspector, name: str, namespace: str | None) -> str:
    try:
        return inspector.get_table_comment(name, namespace).get("text") or ""
    except NotImplementedError:  # SQLite keeps none
        return ""


def _row_counts(session: Session, namespace: str) -> dict[str, int]:
    """Rows by table: the servers' own estimates; SQLite is counted table by table when it is sampled."""
    quoted = "'" + namespace.replace("'", "''") + "'" if namespace else "current_schema()"
    statement = {"mysql": COUNTED, "postgres": ESTIMATED.format(quoted)}.get(session.source.dialect)
    if statement is None:
        return {}
    rows = session.connection.exec_driver_sql(statement)
    return {str(name): int(count) for name, count in rows if count is not None and count >= 0}


def _duckdb_tables(session: Session) -> Iterable[Table]:
    run = session.connection.exec_driver_sql
    columns: dict[tuple[str, str], list[Column]] = {}
    for space, table, name, kind, comment in run(DUCKDB_COLUMNS):
        columns.setdefault((space, table), []).append(Column(name, kind, comment or ""))
    facts = {(space, name): (comment, rows) for space, name, comment, rows in run(DUCKDB_TABLES)}
    keys = run(DUCKDB_KEYS).fetchall()
    for place, found in columns.items():
        space = "" if place[0] == "main" else place[0]
        own = [row[2:] for row in keys if tuple(row[:2]) == place]
        primary = {column for kind, names, *_ in own if kind == "PRIMARY KEY" for column in names}
        foreign = tuple(
            ForeignKey(here, _within(space, table), there)  # DuckDB's keys stay within a schema
            for kind, names, table, others in own
            if kind == "FOREIGN KEY"
            for here, there in zip(names, others, strict=False)
        )
        comment, rows = facts.get(place, ("", None))
        marked = tuple(replace(column, primary=column.name in primary) for column in found)
        yield Table(_within(space, place[1]), marked, comment or "", rows, foreign, namespace=space)


def _with_samples(session: Session, table: Table) -> Table:
    """The table with a few short distinct values of each column, and its row count where that is quick."""
    quote = session.connection.dialect.identifier_preparer.quote_identifier
    names = ", ".join(quote(column.name) for column in table.columns)
    place = ".".join(quote(part) for part in table.parts)
    statement = f"SELECT {names} FROM {place} LIMIT {SAMPLED_ROWS}"  # noqa: S608 – the server's own names, quoted
    rows = _try(session, statement) if names else None
    if rows is None:
        return table
    columns = tuple(
        replace(column, samples=() if is_secret(column) else _samples(row[number] for row in rows))
        for number, column in enumerate(table.columns)
    )
    count: int | None = table.rows
    if len(rows) < SAMPLED_ROWS:
        count = len(rows)
    elif session.source.dialect == "sqlite":
        last = _try(session, f"SELECT max(rowid) FROM {place}")  # noqa: S608 – as above; counting reads it all
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


def is_secret(column: Column) -> bool:
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
