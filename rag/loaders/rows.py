"""Rows of a table -> one line of text each, every value beside its column's name, so that both can be found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rag.passages import Block, Locator


def rows_as_text(rows: Iterable[list[Any]], sheet: str = "") -> Iterator[Block]:
    """The first row that is not empty names the columns; `line` counts rows from 1."""
    header: list[str] | None = None
    for number, row in enumerate(rows, 1):
        cells = [_shown(cell) for cell in row]
        if not any(cells):
            continue
        place = Locator(sheet=sheet, line=number)
        if header is None:
            header = cells
            yield Block(" | ".join(cell for cell in cells if cell), place)
            continue
        names = header + [""] * (len(cells) - len(header))
        parts = (
            f"{name}: {cell}" if name else cell
            for name, cell in zip(names, cells, strict=False)
            if cell
        )
        yield Block("; ".join(parts), place)


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split())
