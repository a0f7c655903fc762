"""A data file, recognised by its content -> its rows with their line: JSON, JSON lines, CSV, XLSX, Parquet, or gzip of these."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, NotFound
from workbench.messages import say

KINDS = "JSON, JSON lines, CSV, TSV, XLSX or Parquet, also gzipped"
WRAPPERS = (
    "data",
    "rows",
    "examples",
    "items",
    "train",
    "records",
)  # keys under which a file holds all its rows


@dataclass(frozen=True, slots=True)
class Row:
    """What stands at a line (from 1; the row's number in workbooks and Parquet), or why it cannot be read.

    The first row of a table names its columns: it is a list, and a `header`.
    """

    line: int
    data: Any = None
    problem: str = ""
    header: bool = False


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file; of a table each is a dict by column. Raises NotFound, or InvalidInput for a useless file."""
    if not path.is_file():
        raise NotFound(
            say("There is no file {path}.", path=path), say("Name a file: {kinds}.", kinds=KINDS)
        )
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInput(
                say("{path} is a damaged gzip file: {error}", path=path, error=error),
                "Copy or download it again.",
            ) from error
    if data[:4] == b"PK\x03\x04":
        return _workbook_rows(data, path)
    if data[:4] == b"PAR1":
        return _parquet_rows(data, path)
    text = _decode(data, path)
    start = text.lstrip()[:1]
    if not start:
        raise InvalidInput(
            say("{path} is empty.", path=path), say("Give a file with rows: {kinds}.", kinds=KINDS)
        )
    if start == "[":
        return _array_rows(text)
    return _json_rows(text) if start == "{" else _table_rows(text)


def _decode(data: bytes, path: Path) -> str:
    """UTF-8, UTF-16 with its mark, or GB18030 where the bytes look like Chinese. Raises InvalidInput."""
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig"]
    alone = len(
        re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", data)
    )  # as é in a Western encoding
    if alone * 10 < len(re.findall(rb"[\x80-\xff]", data)):
        encodings.append("gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InvalidInput(
        say("{path} is not text in UTF-8, nor a workbook or Parquet file.", path=path),
        say("Give {kinds}, as UTF-8.", kinds=KINDS),
    )


def _json_rows(text: str) -> Iterator[Row]:
    """JSON lines, where some of the first lines is an object by itself; else objects over several lines."""
    lines = text.split("\n")  # not splitlines: U+2028 may stand inside a string
    if not any(_is_object(line) for line in lines[:20]):
        for row in _values(text, 0, "{"):
            yield from _unwrapped(row)
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield from _unwrapped(_parse(line, number))


def _is_object(line: str) -> bool:
    return line.lstrip().startswith("{") and isinstance(_parse(line, 0).data, dict)


def _parse(line: str, number: int) -> Row:
    try:
        return Row(number, json.loads(line))
    except json.JSONDecodeError as error:
        return Row(number, problem=f"not valid JSON: {error.msg} at column {error.colno}")
    except RecursionError:
        return Row(number, problem="JSON nested too deeply")


def _unwrapped(row: Row) -> Iterator[Row]:
    """An object that only holds a list of rows, as {"data": [...]}, gives those rows."""
    held = (
        next(iter(row.data.values())) if isinstance(row.data, dict) and len(row.data) == 1 else None
    )
    if isinstance(held, list) and next(iter(row.data)) in WRAPPERS:
        yield from (Row(number, one) for number, one in enumerate(held, 1))
    else:
        yield row


def _array_rows(text: str) -> Iterator[Row]:
    return _values(text, text.index("[") + 1, "")


def _values(text: str, at: int, opens: str) -> Iterator[Row]:
    """The JSON values from position `at` on, which commas may part, up to the closing bracket."""
    decoder = json.JSONDecoder()
    line, counted = 1, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text) or text[at] == "]":
            if at >= len(text) and not opens:
                yield Row(line, problem="the list has no closing bracket: the file was cut off")
            return
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            yield Row(
                error.lineno,
                problem=f"not valid JSON from here on: {error.msg} at column {error.colno}",
            )
            return
        except RecursionError:
            yield Row(line, problem="JSON nested too deeply")
            return
        yield Row(line, value)


def _table_rows(text: str) -> Iterator[Row]:
    csv.field_size_limit(1 << 30)
    return _named(
        _numbered(
            csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
        )
    )


def _delimiter(text: str) -> str:
    """The sign by which most of the first rows have as many cells as the header, and the header several."""

    def fitting(sign: str) -> tuple[int, int]:
        rows = csv.reader(io.StringIO(text[:65536], newline=""), delimiter=sign)
        widths = [len(row) for row in islice(rows, 50) if row]
        return sum(width == widths[0] for width in widths) if widths[0] > 1 else 0, widths[0]

    return max(",;\t", key=fitting)


def _numbered(reader: Any) -> Iterator[tuple[int, list[Any]]]:
    """A quoted cell may run over several lines: a row is where it begins."""
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(
            say(
                "The quotes of the table are broken in the row that begins in line {begins}: {error}",
                begins=begins,
                error=error,
            ),
            'Close each quoted cell, and write a quote inside it twice: "".',
        ) from error


def _named(rows: Iterator[tuple[int, list[Any]]]) -> Iterator[Row]:
    """The first row that is not empty names the columns."""
    header: list[str] = []
    for line, cells in rows:
        values = [_shown(cell) for cell in cells]
        if not any(values):
            continue
        if not header:
            header = values
            twice = sorted({name for name in header if name and header.count(name) > 1})
            yield (
                Row(line, problem=f"two columns are called {twice[0]}")
                if twice
                else Row(line, header, header=True)
            )
        elif any(values[len(header) :]):
            yield Row(
                line,
                problem=f"{len(values)} cells under {len(header)} columns; a cell with the delimiter in it must be quoted",
            )
        else:
            yield Row(
                line, dict(zip(header, values + [""] * (len(header) - len(values)), strict=False))
            )


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _workbook_rows(data: bytes, path: Path) -> Iterator[Row]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InvalidInput(
            say("{path} is no workbook, or damaged: {error}", path=path, error=error),
            "Save it again as XLSX.",
        ) from error
    try:
        for sheet in workbook.worksheets:
            yield from _named(
                enumerate((list(row) for row in sheet.iter_rows(values_only=True)), 1)
            )
    finally:
        workbook.close()


def _parquet_rows(data: bytes, path: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
    except pyarrow.ArrowException as error:
        raise InvalidInput(
            say("{path} is a damaged Parquet file: {error}", path=path, error=error),
            "Copy or download it again.",
        ) from error
    yield from (Row(number, row) for number, row in enumerate(table.to_pylist(), 1))
