"""A table (CSV text, XLSX, Parquet) -> its rows, each a dict by column, with its line."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from finetune.data.rows import Row
from finetune.data.unpacking import batches_of, check_archive
from workbench.errors import InvalidInput
from workbench.messages import say

SIGNS = ",;\t"
LONGEST_CELL = 1 << 30  # csv refuses cells over 128 KB by default
LONGEST_NAME = 100  # characters of a column's name; the clauses of prose are longer
SAMPLE = 65536  # characters in which the delimiter is looked for


def is_table(text: str) -> bool:
    """Whether most of the first rows are as wide as the first, unlike the lines of a text."""
    if text.strip().partition("\n")[0].strip().lower() == "text":
        return True  # one column of plain texts
    rows = _first_rows(text, _delimiter(text))
    if not rows or len(rows[0]) < 2:
        return False
    if len(rows[0]) > 2 and (len(rows) == 1 or max(map(len, rows[0])) > LONGEST_NAME):
        return False  # a long sentence with commas
    alike = [row for row in rows if len(row) == len(rows[0])]
    return len(alike) * 2 >= len(rows)


def csv_rows(text: str) -> Iterator[Row]:
    """The rows of CSV text, its delimiter found. Raises InvalidInput where quotes are broken."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    return _named(_numbered(reader))


def workbook_rows(data: bytes, path: Path) -> Iterator[Row]:
    """The rows of every sheet. Raises InvalidInput for a damaged workbook."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        check_archive(data, path)
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InvalidInput(
            say("{path} is no workbook, or damaged: {error}", path=path, error=error),
            "Save it again as XLSX.",
        ) from error
    try:
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # what the file says of its size may be a lie
            yield from _named(enumerate(sheet.iter_rows(values_only=True), 1))
    finally:
        workbook.close()


def parquet_rows(data: bytes, path: Path) -> Iterator[Row]:
    """The rows of a Parquet file. Raises InvalidInput for a damaged one."""
    import pyarrow
    import pyarrow.parquet

    try:
        number = 0
        for batch in batches_of(pyarrow.parquet.ParquetFile(io.BytesIO(data)), path):
            for row in batch.to_pylist():
                number += 1
                yield Row(number, row)
    except pyarrow.ArrowException as error:
        raise InvalidInput(
            say("{path} is a damaged Parquet file: {error}", path=path, error=error),
            "Copy or download it again.",
        ) from error


def _delimiter(text: str) -> str:
    """The sign by which most of the first rows are as wide as the header."""

    def fit(sign: str) -> tuple[int, int]:
        widths = [len(row) for row in _first_rows(text, sign)]
        header = widths[0] if widths else 0
        alike = widths.count(header) if header > 1 else 0
        return alike, header

    return max(SIGNS, key=fit)


def _first_rows(text: str, sign: str) -> list[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(io.StringIO(text[:SAMPLE], newline=""), delimiter=sign)
    return [row for row in islice(rows, 50) if row]


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line where it begins: a quoted cell may run over several lines."""
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(
            say(
                "The quotes of the table are broken in the row that begins in line {begins}:"
                " {error}",
                begins=begins,
                error=error,
            ),
            'Close each quoted cell, and write a quote inside it twice: "".',
        ) from error


def _named(rows: Iterable[tuple[int, Iterable[Any]]]) -> Iterator[Row]:
    """Rows by column. The first row that is not empty names the columns."""
    header: list[str] = []
    for line, cells in rows:
        values = [_text_of(cell) for cell in cells]
        if not any(values):
            continue
        if not header:
            header = values
            yield _header(line, header)
        elif any(values[len(header) :]):
            yield Row(line, problem=_too_wide(values, header))
        else:
            missing = [""] * (len(header) - len(values))
            yield Row(line, dict(zip(header, values + missing, strict=False)))


def _header(line: int, names: list[str]) -> Row:
    twice = sorted(name for name in set(names) if name and names.count(name) > 1)
    if twice:
        return Row(line, problem=say("two columns are called {name}", name=twice[0]))
    return Row(line, names, header=True)


def _too_wide(values: list[str], header: list[str]) -> str:
    return say(
        "{cells} cells under {columns} columns; a cell with the delimiter in it must be quoted",
        cells=len(values),
        columns=len(header),
    )


def _text_of(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a workbook keeps every number as a float
    return str(cell).strip()
