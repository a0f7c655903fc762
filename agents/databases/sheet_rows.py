"""The sheets of a workbook -> their rows, read one after another, whatever size they say they have.

A workbook of a few kilobytes may name its last possible cell, or unpack to any size.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import InvalidInput
from workbench.messages import say

MOST_UNPACKED = 1_000_000_000  # bytes
# what spreadsheets write where a value is missing or could not be computed
MISSING = {"", "#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "N/A", "n/a"}
MISSING |= {"NA", "NULL", "null", "NaN", "nan", "None", "<NA>"}


class Sheet(NamedTuple):
    """`names` stand in its first row with a cell; `rows` are those below, and can be read once.

    The only sheet of a file has the file's own name.
    """

    title: str
    names: list[str]
    rows: Iterator[list[Any]]


def sheets_of(path: Path) -> Iterator[Sheet]:
    """The sheets that have a cell; a row ends with its last cell, empty rows are left out.

    Raises InvalidInput for what unpacks to too much, and BadZipFile, ValueError, KeyError or
    OSError for what is no workbook.
    """
    import openpyxl

    _check_unpacked(path)
    workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # what the file says of its size may be a lie
            rows = filter(None, map(_values, sheet.iter_rows(values_only=True)))
            first = next(rows, None)
            title = path.stem if len(workbook.worksheets) == 1 else sheet.title
            if first is not None:
                yield Sheet(title, [_name(cell) for cell in first], rows)
    finally:
        workbook.close()


def _values(row: tuple[Any, ...]) -> list[Any]:
    """The row's cells up to its last one that is not empty; a missing value is None."""
    cells = [None if isinstance(cell, str) and cell in MISSING else cell for cell in row]
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def _name(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():  # a workbook keeps 2024 as 2024.0
        return str(int(cell))
    return "" if cell is None else str(cell)


def _check_unpacked(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > MOST_UNPACKED:
        raise InvalidInput(
            say(
                "{name} unpacks to {size:,.0f} MB; the limit is {limit:,.0f} MB.",
                name=path.name,
                size=size / 1_000_000,
                limit=MOST_UNPACKED / 1_000_000,
            ),
            "Split it, or save the table as CSV or Parquet.",
        )
