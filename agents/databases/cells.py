"""A query on a server -> the same query, whose long cells are cut before they leave the server.

What a query gives is asked first, with a limit of no rows. Columns that cannot be long are left as
they are; a query without a long column stays the same. SQLite and DuckDB need none of this: their
cells are cut in the child that reads the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.databases.session import Session
from agents.databases.values import LONGEST_CELL

SENT = LONGEST_CELL + 1  # characters, so that it shows that there are more
BYTES = 4  # of a character, at most
OWN_LIMIT = re.compile(r" LIMIT \d+((?: OFFSET \d+)?)$")

# kinds of columns
PLAIN, TEXT, BLOB, OTHER = "plain", "text", "blob", "other"

# PostgreSQL's types by number: those that are never long, texts, and blobs; all others are OTHER
POSTGRES_PLAIN = {16, 18, 19, 20, 21, 23, 26, 700, 701, 790, 1700, 2950}
POSTGRES_PLAIN |= {1082, 1083, 1114, 1184, 1186, 1266}
POSTGRES_TEXT = {25, 1042, 1043}
POSTGRES_BLOB = {17}
# MySQL's: texts and blobs have the same numbers; a blob has the character set "binary"
MYSQL_TEXT = {15, 249, 250, 251, 252, 253, 254}
MYSQL_JSON = 245
MYSQL_GEOMETRY = 255
BINARY = 63

# what stands for a column {c}; a second one is for the text of what is too long to be sent whole
WRITTEN = {
    ("postgres", PLAIN): ("{c}",),
    ("postgres", TEXT): ("left({c}, {sent})",),
    ("postgres", BLOB): ("'<' || octet_length({c}) || ' bytes>'",),
    ("postgres", OTHER): (
        "CASE WHEN length({c}::text) <= {sent} THEN {c} END",
        "CASE WHEN length({c}::text) > {sent} THEN left({c}::text, {sent}) END",
    ),
    ("mysql", PLAIN): ("{c}",),
    ("mysql", TEXT): ("LEFT({c}, {sent})",),
    ("mysql", BLOB): ("CONCAT('<', LENGTH({c}), ' bytes>')",),
}


@dataclass(frozen=True)
class Cut:
    """`instead` says, by the place of a column, where the text of its long values stands."""

    sql: str
    names: Sequence[str] = ()
    instead: Mapping[int, int] = field(default_factory=dict)

    def cells(self, row: Sequence[Any]) -> list[Any]:
        """A row as the query itself would give it."""
        if not self.names:
            return list(row)
        cells = list(row[: len(self.names)])
        for place, other in self.instead.items():
            if row[other] is not None:
                cells[place] = row[other]
        return cells


def cut_cells(session: Session, sql: str) -> Cut:
    """The query to run on this session; raises what the query itself would raise."""
    dialect = session.source.dialect
    found = OWN_LIMIT.search(sql)
    if dialect not in ("mysql", "postgres") or found is None:
        return Cut(sql)
    with session.cursor(OWN_LIMIT.sub(r" LIMIT 0\1", sql)) as rows:
        names = list(rows.keys())
        kinds = _kinds(dialect, rows)
    if len(kinds) != len(names) or set(kinds) == {PLAIN}:
        return Cut(sql)
    return _wrapped(sql, dialect, names, kinds)


def _wrapped(sql: str, dialect: str, names: list[str], kinds: list[str]) -> Cut:
    columns = [f"c{number}" for number in range(1, len(names) + 1)]
    first: list[str] = []
    second: list[str] = []
    instead: dict[int, int] = {}
    for place, (column, kind) in enumerate(zip(columns, kinds, strict=True)):
        written = [part.format(c=column, sent=SENT) for part in WRITTEN[dialect, kind]]
        first.append(written[0])
        if len(written) > 1:
            instead[place] = len(names) + len(second)
            second.append(written[1])
    listed = ", ".join(columns)
    outer = ", ".join(first + second)
    # the names are ours, and the query is the guard's
    return Cut(f"WITH cells ({listed}) AS ({sql}) SELECT {outer} FROM cells", names, instead)  # noqa: S608


def _kinds(dialect: str, rows: Any) -> list[str]:
    """The kind of each column, by what the driver says of a result."""
    cursor = rows.cursor
    if dialect == "postgres":
        return [_postgres_kind(column) for column in cursor.description or []]
    # the character set is not in the description that all drivers share
    return [_mysql_kind(column) for column in cursor._result.fields]


def _postgres_kind(column: Any) -> str:
    if column.type_code in POSTGRES_PLAIN:
        return PLAIN
    if column.type_code in POSTGRES_TEXT:
        declared = column.display_size
        return PLAIN if declared and declared <= LONGEST_CELL else TEXT
    return BLOB if column.type_code in POSTGRES_BLOB else OTHER


def _mysql_kind(column: Any) -> str:
    if column.type_code == MYSQL_JSON:
        return TEXT
    if column.type_code == MYSQL_GEOMETRY:
        return BLOB
    if column.type_code not in MYSQL_TEXT or column.length <= BYTES * LONGEST_CELL:
        return PLAIN
    return BLOB if column.charsetnr == BINARY else TEXT
