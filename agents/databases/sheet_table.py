"""The rows of a sheet -> a table of DuckDB whose columns have the types of their cells.

The cells are written as text first, a batch at a time, so memory does not grow with the sheet.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from agents.databases.sheet_rows import Sheet

STAGED = "staged"  # the table of text, dropped when the real one is made
BATCH = 5_000  # rows
LARGEST_INTEGER = 2**63 - 1
# kinds of cells in a column -> its type; any other mixture is text
TYPES = {
    frozenset({"boolean"}): "BOOLEAN",
    frozenset({"integer"}): "BIGINT",
    frozenset({"number"}): "DOUBLE",
    frozenset({"integer", "number"}): "DOUBLE",
    frozenset({"moment"}): "TIMESTAMP",
    frozenset({"date"}): "DATE",
    frozenset({"date", "moment"}): "TIMESTAMP",
    frozenset({"time"}): "TIME",
}
# numbers that were typed as text count as numbers; a code with leading zeros stays what it is
AS_TEXT = [("BIGINT", r"-?(0|[1-9]\d{0,17})"), ("DOUBLE", r"-?(0|[1-9]\d{0,14})(\.\d+)?")]


@dataclass
class Staged:
    """A sheet's cells as text. `wide` is the most cells of a row; `cut`: it has more rows."""

    wide: int = 0
    cut: bool = False
    rows: int = 0
    kinds: list[set[str]] = field(default_factory=list)


def stage(connection: Any, sheet: Sheet, most_columns: int, most_cells: int) -> Staged:
    """Write the sheet's cells into the table `staged`, whose columns are c0, c1, …"""
    staged = Staged(wide=len(sheet.names))
    connection.execute(f"CREATE OR REPLACE TABLE {STAGED} (c0 VARCHAR)")
    _widen(connection, staged, min(len(sheet.names), most_columns))
    rows = _narrow(sheet.rows, staged, most_columns)
    while batch := list(islice(rows, BATCH)):
        _widen(connection, staged, max(map(len, batch)))
        left = most_cells // max(1, len(staged.kinds)) - staged.rows
        staged.cut = len(batch) > left
        _write(connection, staged, batch[:left])
        if staged.cut:
            break
    return staged


def columns_of(connection: Any, sheet: Sheet, staged: Staged) -> str:
    """The select list that gives the staged columns their names and types."""
    parts = []
    taken: set[str] = set()
    for number, kinds in enumerate(staged.kinds):
        given = sheet.names[number] if number < len(sheet.names) else ""
        name = _free(given or f"Unnamed: {number}", taken)
        kind = TYPES.get(frozenset(kinds), "") or _type_of_text(connection, number, kinds)
        quoted = name.replace('"', '""')
        parts.append(f'CAST(c{number} AS {kind}) AS "{quoted}"')
    return ", ".join(parts)


def _narrow(rows: Iterator[list[Any]], staged: Staged, most: int) -> Iterator[list[Any]]:
    """The rows cut to the columns that are taken; one that has nothing in them is left out."""
    for row in rows:
        staged.wide = max(staged.wide, len(row))
        cells = row[:most]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield cells


def _widen(connection: Any, staged: Staged, columns: int) -> None:
    for number in range(len(staged.kinds), columns):
        if number:  # the first one exists from the beginning
            connection.execute(f"ALTER TABLE {STAGED} ADD COLUMN c{number} VARCHAR")
        staged.kinds.append(set())


def _write(connection: Any, staged: Staged, batch: list[list[Any]]) -> None:
    import pyarrow

    columns: list[list[str | None]] = [[] for _ in staged.kinds]
    for row in batch:
        for number, kinds in enumerate(staged.kinds):
            cell = row[number] if number < len(row) else None
            text = None
            if cell is not None:
                kind, text = _as_text(cell)
                kinds.add(kind)
            columns[number].append(text)
    arrays = {f"c{number}": pyarrow.array(texts, "string") for number, texts in enumerate(columns)}
    connection.register("batch", pyarrow.table(arrays))
    connection.execute(f"INSERT INTO {STAGED} BY NAME SELECT * FROM batch")  # noqa: S608
    connection.unregister("batch")
    staged.rows += len(batch)


def _as_text(cell: Any) -> tuple[str, str]:
    """The kind of a cell and its text, as DuckDB casts it back."""
    if isinstance(cell, bool):
        return "boolean", str(cell)
    if isinstance(cell, float) and cell.is_integer():  # a workbook keeps every number as a float
        cell = int(cell)
    if isinstance(cell, int):
        return "integer" if abs(cell) <= LARGEST_INTEGER else "number", str(cell)
    if isinstance(cell, float):
        return "number", repr(cell)
    if isinstance(cell, datetime.datetime):
        return "moment", cell.isoformat(" ")
    if isinstance(cell, datetime.date):
        return "date", cell.isoformat()
    if isinstance(cell, datetime.time):
        return "time", cell.isoformat()
    return "text", str(cell)


def _type_of_text(connection: Any, number: int, kinds: set[str]) -> str:
    """The type of a column of text, or of text and numbers: a number type where all read as one."""
    if not kinds or kinds - {"text", "integer", "number"}:
        return "VARCHAR"
    for kind, pattern in AS_TEXT:
        every = f"SELECT bool_and(regexp_full_match(c{number}, ?)) FROM {STAGED}"  # noqa: S608
        if connection.execute(every, [pattern]).fetchone()[0]:
            return kind
    return "VARCHAR"


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered where another column has it; DuckDB does not tell cases apart."""
    free = name
    number = 1
    while free.casefold() in taken:
        free = f"{name}.{number}"
        number += 1
    taken.add(free.casefold())
    return free
