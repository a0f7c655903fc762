"""Excel workbooks -> one block a row with its sheet, each value beside its column's name."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from rag.loaders.rows import rows_as_text
from rag.passages import Block
from workbench.errors import InvalidInput
from workbench.messages import say


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The rows of all sheets; formulas give the value that Excel stored."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InvalidInput(
            say("The workbook is damaged: {error}", error=error),
            "Open it in Excel and save it again.",
        ) from error
    try:
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # what the file says of its size may be a lie
            yield from rows_as_text(sheet.iter_rows(values_only=True), sheet.title)
    finally:
        workbook.close()
