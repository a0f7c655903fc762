"""A data file, known by its content (JSON, table, plain text, gzip of these) -> its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from finetune.data.rows import Row, is_json, json_rows
from finetune.data.tables import csv_rows, is_table, parquet_rows, workbook_rows
from finetune.data.unpacking import gunzipped
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say

FILE_TYPES = "JSON, JSON lines, CSV, TSV, XLSX or Parquet, also gzipped"
GZIP, ZIP, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
HIGH = re.compile(rb"[\x80-\xff]")
# a single byte over 127 between ASCII letters, as é in a Western encoding; Chinese has two or more
LONE_HIGH = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file: dicts by column of a table, one row {"text": …} of a plain text.

    Raises NotFound, or InvalidInput for a file that cannot be read at all.
    """
    if not path.is_file():
        raise NotFound(
            say("There is no file {path}.", path=path),
            say("Name a file: {kinds}.", kinds=FILE_TYPES),
        )
    data = path.read_bytes()
    if data.startswith(GZIP):
        data = gunzipped(data, path)
    if data.startswith(ZIP):
        return workbook_rows(data, path)
    if data.startswith(PARQUET):
        return parquet_rows(data, path)
    text = _decode(data, path)
    if not text.strip():
        raise InvalidInput(
            say("{path} is empty.", path=path),
            say("Give a file with rows: {kinds}.", kinds=FILE_TYPES),
        )
    if is_json(text):
        return json_rows(text)
    if is_table(text):
        return csv_rows(text)
    return iter([Row(1, {"text": text})])


def _decode(data: bytes, path: Path) -> str:
    """UTF-8, UTF-16 with its mark, or GB18030 where the bytes look like Chinese."""
    for encoding in likely_encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InvalidInput(
        say("{path} is not text in UTF-8, nor a workbook or Parquet file.", path=path),
        say("Give {kinds}, as UTF-8.", kinds=FILE_TYPES),
    )


def likely_encodings(data: bytes) -> list[str]:
    """The encodings to try, by the bytes at hand: Unicode first, Chinese where it looks like it."""
    encodings = ["utf-16"] if data[:2] in UTF16_MARKS else ["utf-8-sig"]
    alone = len(LONE_HIGH.findall(data))
    # GB18030 decodes almost any bytes: without this, French in Latin-1 would become Chinese
    if alone * 10 < len(HIGH.findall(data)):
        encodings.append("gb18030")
    return encodings
