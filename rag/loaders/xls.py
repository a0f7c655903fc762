"""Excel workbooks of before 2007 -> one block a row with its sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag.loaders.rows import rows_as_text
from rag.passages import Block
from workbench.errors import InvalidInput
from workbench.messages import say


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The rows of all sheets, each value beside its column's name."""
    import xlrd

    try:
        workbook = xlrd.open_workbook(path, on_demand=True)
    except (xlrd.XLRDError, ValueError, IndexError) as error:
        raise _refusal(error) from error
    for sheet in workbook.sheets():
        rows = (sheet.row_values(row) for row in range(sheet.nrows))
        yield from rows_as_text(rows, sheet.name)


def _refusal(error: Exception) -> InvalidInput:
    fix = "Open it in Excel and save it as xlsx without a password."
    if "encrypted" in str(error):
        return InvalidInput("The workbook is encrypted.", fix)
    return InvalidInput(say("The workbook is damaged: {error}", error=error), fix)
