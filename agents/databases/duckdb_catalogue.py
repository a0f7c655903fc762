"""A DuckDB session -> its tables and views, read from DuckDB's own catalogue functions."""

from __future__ import annotations

from dataclasses import dataclass

from agents.databases.schema import Column, ForeignKey, TableSchema, qualified
from agents.databases.session import Session

MAIN = "main"
COLUMNS = """
SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns()
WHERE NOT internal AND database_name = current_database()
ORDER BY schema_name <> 'main', schema_name, table_name, column_index
"""
TABLES = """
SELECT schema_name, table_name, comment, estimated_size FROM duckdb_tables()
WHERE NOT internal AND database_name = current_database()
"""
# a row for each column of a key; one of several columns has as many rows
KEYS = """
SELECT schema_name, table_name, unnest(constraint_column_names), referenced_table,
    unnest(referenced_column_names)
FROM duckdb_constraints()
WHERE constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') AND database_name = current_database()
"""

Place = tuple[str, str]  # schema and table


@dataclass(frozen=True)
class KeyColumn:
    """A column of a primary key, or of a foreign key where there is another table."""

    column: str
    other_table: str | None
    other_column: str | None


def duckdb_tables(session: Session) -> tuple[list[TableSchema], str]:
    """(tables and views of all schemas, name of the main schema)."""
    columns: dict[Place, list[Column]] = {}
    for space, table, name, kind, comment in session.fetch(COLUMNS):
        columns.setdefault((space, table), []).append(Column(name, kind, comment or ""))
    facts = {}
    for space, name, comment, rows in session.fetch(TABLES):  # views are not in this list
        facts[space, name] = (comment or "", rows)
    keys: dict[Place, list[KeyColumn]] = {}
    for space, table, column, other, other_column in session.fetch(KEYS):
        keys.setdefault((space, table), []).append(KeyColumn(column, other, other_column))
    tables = []
    for place, found in columns.items():
        comment, rows = facts.get(place, ("", None))
        tables.append(_table(place, found, keys.get(place, []), comment, rows))
    return tables, MAIN


def _table(
    place: Place, columns: list[Column], keys: list[KeyColumn], comment: str, rows: int | None
) -> TableSchema:
    namespace = "" if place[0] == MAIN else place[0]
    primary = set()
    foreign = []
    for key in keys:
        if not key.other_table or not key.other_column:
            primary.add(key.column)
            continue
        other_table = qualified(namespace, key.other_table)  # DuckDB's keys stay within a schema
        foreign.append(ForeignKey(key.column, other_table, key.other_column))
    marked = tuple(
        Column(column.name, column.type, column.comment, column.name in primary)
        for column in columns
    )
    name = qualified(namespace, place[1])
    return TableSchema(name, marked, comment, rows, tuple(foreign), namespace=namespace)
