"""A session of a SQLite file -> its tables and views, read from SQLite's own catalogue.

No view is run for it.
"""

from __future__ import annotations

from agents.databases.database_errors import QueryFailed
from agents.databases.schema import Column, ForeignKey, TableSchema
from agents.databases.session import Session

MAIN = "main"
OWN = "sqlite_"  # a table of such a name would be mistaken for SQLite's own
HIDDEN = 1  # a column that a virtual table does not show
NAMES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY type, name"
COLUMNS = "SELECT name, type, pk, hidden FROM pragma_table_xinfo({}) ORDER BY cid"
KEYS = 'SELECT "from", "table", "to", seq FROM pragma_foreign_key_list({}) ORDER BY id, seq'


def sqlite_tables(session: Session) -> tuple[list[TableSchema], str]:
    """(tables and views, name of the schema that they are in).

    What SQLite itself cannot read any more is left out: a view of a table that is gone.
    """
    tables = []
    for (name,) in session.fetch(NAMES):
        if name.lower().startswith(OWN):
            continue
        try:
            tables.append(_table(session, name))
        except QueryFailed:
            session.rollback()
    return tables, MAIN


def _table(session: Session, name: str) -> TableSchema:
    columns = []
    for column, kind, primary, hidden in session.fetch(COLUMNS.format(_text(name))):
        if hidden != HIDDEN:
            columns.append(Column(column, (kind or "").upper(), primary=bool(primary)))
    keys = []
    for column, other, other_column, number in session.fetch(KEYS.format(_text(name))):
        target = other_column or _primary_column(session, other, number)
        if target:
            keys.append(ForeignKey(column, other, target))
    return TableSchema(name, tuple(columns), foreign_keys=tuple(keys))


def _primary_column(session: Session, table: str, number: int) -> str:
    """The column that a key without names means: the one at that place of the primary key."""
    found = session.fetch(COLUMNS.format(_text(table)))
    primary = {place: column for column, _, place, _ in found if place}
    return str(primary.get(number + 1, ""))


def _text(name: str) -> str:
    """A name as a text of SQL."""
    return "'" + name.replace("'", "''") + "'"
