"""Excel workbooks of before 2007 -> one block a row with its sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag.loaders.rows import rows_as_text
from rag.passages import Block
from workbench.errors import InvalidInput


def load(path: Path, password: str | None) -> Iterator[Block]:
    import xlrd

    try:
        workbook = xlrd.open_workbook(path, on_demand=True)
    except (xlrd.XLRDError, ValueError, IndexError) as error:
        problem = (
            "The workbook is encrypted."
            if "encrypted" in str(error)
            else f"The workbook is damaged: {error}"
        )
        raise InvalidInput(
            problem, "Open it in Excel and save it as xlsx without a password."
        ) from error
    for sheet in workbook.sheets():
        yield from rows_as_text((sheet.row_values(row) for row in range(sheet.nrows)), sheet.name)
