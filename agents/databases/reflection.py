"""A session of MySQL or PostgreSQL -> its tables and views, by SQLAlchemy's inspector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.databases.schema import Column, ForeignKey, TableSchema, qualified
from agents.databases.server_session import SqlSession

if TYPE_CHECKING:
    from sqlalchemy import Inspector

PREFIXES = ("pg_", "sqlite_")  # a table of such a name would be mistaken for the server's own
MYSQL_ROWS = (
    "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()"
)
POSTGRES_ROWS = """
SELECT relname, reltuples::bigint FROM pg_class
WHERE relnamespace = quote_ident({})::regnamespace AND relkind IN ('r', 'p', 'm')
"""
# the schemas of PostgreSQL that are not the server's own and that this user may look into
OTHER_SCHEMAS = """
SELECT nspname FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', current_schema())
    AND has_schema_privilege(nspname, 'USAGE')
ORDER BY nspname
"""


def reflected_tables(session: SqlSession) -> tuple[list[TableSchema], str]:
    """(tables and views, name of the database or schema that they are in)."""
    import sqlalchemy

    inspector = sqlalchemy.inspect(session.connection)
    namespaces = [""]
    if session.source.dialect == "postgres":
        namespaces += [name for (name,) in session.fetch(OTHER_SCHEMAS)]
    tables = []
    for namespace in namespaces:
        tables += _tables(session, inspector, namespace)
    return tables, inspector.default_schema_name or ""


def _tables(session: SqlSession, inspector: Inspector, namespace: str) -> list[TableSchema]:
    """The tables and views of one schema, empty for the source's own.

    What the server itself cannot read any more is left out: a view of a table that is gone.
    """
    from sqlalchemy.exc import NoSuchTableError, UnreflectableTableError

    counts = _row_counts(session, namespace)
    space = namespace or None
    found = []
    for name in [*inspector.get_table_names(space), *inspector.get_view_names(space)]:
        if name.lower().startswith(PREFIXES):
            continue
        try:
            found.append(_reflected(inspector, name, namespace, counts.get(name)))
        except (UnreflectableTableError, NoSuchTableError):
            continue
    return found


def _reflected(inspector: Inspector, name: str, namespace: str, rows: int | None) -> TableSchema:
    space = namespace or None
    primary = inspector.get_pk_constraint(name, space).get("constrained_columns") or []
    columns = []
    for column in inspector.get_columns(name, space):
        comment = column.get("comment") or ""
        is_primary = column["name"] in primary
        columns.append(Column(column["name"], str(column["type"]), comment, is_primary))
    keys = []
    for key in inspector.get_foreign_keys(name, space):
        other_table = qualified(key.get("referred_schema") or "", key["referred_table"])
        pairs = zip(key["constrained_columns"], key["referred_columns"], strict=False)
        keys += [ForeignKey(own, other_table, other) for own, other in pairs]
    return TableSchema(
        qualified(namespace, name),
        tuple(columns),
        inspector.get_table_comment(name, space).get("text") or "",
        rows,
        tuple(keys),
        namespace=namespace,
    )


def _row_counts(session: SqlSession, namespace: str) -> dict[str, int]:
    """Rows by table: the servers' own estimates."""
    statement = MYSQL_ROWS
    if session.source.dialect == "postgres":
        quoted = "'" + namespace.replace("'", "''") + "'"
        statement = POSTGRES_ROWS.format(quoted if namespace else "current_schema()")
    counts = {}
    for name, count in session.fetch(statement):
        if count is not None and count >= 0:  # PostgreSQL says -1 before it has looked
            counts[str(name)] = int(count)
    return counts
