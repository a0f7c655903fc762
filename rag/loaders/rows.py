"""Rows of a table -> a line of text each, every value beside its column's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from rag.passages import Block, Locator


def rows_as_text(rows: Iterable[Sequence[Any]], sheet: str = "") -> Iterator[Block]:
    """The first row that is not empty names the columns; `line` counts rows from 1."""
    header: list[str] = []
    for number, row in enumerate(rows, 1):
        cells = [_cell_text(cell) for cell in row]
        if not any(cells):
            continue
        place = Locator(sheet=sheet, line=number)
        if not header:
            header = cells
            yield Block(" | ".join(cell for cell in cells if cell), place)
        else:
            yield Block(_named(cells, header), place)


def _named(cells: list[str], header: list[str]) -> str:
    """ "Name: north; Height: 31": a value without a column name stands alone."""
    parts: list[str] = []
    for name, cell in zip_longest(header, cells, fillvalue=""):
        if cell:
            parts.append(f"{name}: {cell}" if name else cell)
    return "; ".join(parts)


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():  # Excel stores 31 as 31.0
        return str(int(cell))
    return " ".join(str(cell).split())
