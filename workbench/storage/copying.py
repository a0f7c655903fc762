"""Rows of an SQLite file -> a schema of a server, and back: counted, and compared by a sum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import Conflict
from workbench.sqlite_recovery import Tables
from workbench.storage.connecting import Database, is_sqlite
from workbench.storage.postgresql import stored

AT_ONCE = 500  # rows in memory
NUMBERED = ("id", "number")  # keys that a database counts by itself
SIZE = 1 << 256  # sums of sha256 are kept below it

Row = Mapping[str, Any]


@dataclass
class Copied:
    """Rows of each table, and a sum of all rows that does not depend on their order."""

    rows: dict[str, int] = field(default_factory=dict)
    total: int = 0

    @property
    def sum(self) -> str:
        """64 hexadecimal figures."""
        return f"{self.total:064x}"

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Count these rows, and add them to the sum."""
        self.rows[table] = self.rows.get(table, 0) + len(rows)
        for row in rows:
            text = json.dumps([table, *row.values()], ensure_ascii=False)
            digest = hashlib.sha256(text.encode()).digest()
            self.total = (self.total + int.from_bytes(digest)) % SIZE


def copy_rows(source: Database, target: Database, tables: Tables) -> Copied:
    """Copy every row with its key, within the callers' transactions.

    One of the two is an SQLite file; both have tables of the same version. Raises Conflict where
    the target then has other rows than the source.
    """
    columns = _columns_of(source if is_sqlite(source) else target, tables)
    copied, arrived = Copied(), Copied()
    for table, key in tables.items():
        names = ", ".join(columns[table])
        holes = ", ".join(f":{name}" for name in columns[table])
        insert = f"insert into {table} ({names}) values ({holes})"  # noqa: S608 – our names
        for rows in rows_of(source, table, key, columns[table]):
            target.executemany(insert, rows)
            copied.add(table, rows)
        for rows in rows_of(target, table, key, columns[table]):
            arrived.add(table, rows)
        if not is_sqlite(target) and key[0] in NUMBERED:
            _go_on_after(target, table, key[0])
    if arrived != copied:
        raise Conflict(
            "Not every row could be copied.",
            "Nothing was changed. Run workbench repair, then try again.",
        )
    return copied


def count_rows(database: Database, tables: Tables) -> int:
    """All rows of these tables."""
    counts = [
        database.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608 – our names
        for table in tables
    ]
    return sum(counts)


def rows_of(
    database: Database, table: str, key: Sequence[str], columns: Sequence[str]
) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table by their key, some at a time, as a server can keep them."""
    names, order = ", ".join(columns), ", ".join(key)
    holes = ", ".join(f":{name}" for name in key)
    after, values = "true", {"most": AT_ONCE}
    while True:
        query = f"select {names} from {table} where {after} order by {order} limit :most"  # noqa: S608
        found = database.execute(query, values).fetchall()
        rows = [stored(dict(zip(columns, row, strict=True))) for row in found]
        if not rows:
            return
        yield rows
        after = f"({order}) > ({holes})"
        values |= {name: rows[-1][name] for name in key}


def _go_on_after(target: Database, table: str, key: str) -> None:
    """New rows get numbers above those that were copied."""
    query = f"""
        select setval(pg_get_serial_sequence(:table, '{key}'), coalesce(max({key}), 0) + 1, false)
        from {table}"""  # noqa: S608 – our names
    target.execute(query, {"table": table})


def _columns_of(file: Database, tables: Tables) -> dict[str, list[str]]:
    """Table -> the names of its columns, in the order that an SQLite file has them."""
    return {
        table: [row[1] for row in file.execute(f"pragma table_info({table})")] for table in tables
    }
