"""CSV and TSV -> one block a row, each value beside its column's name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from rag.loaders.rows import rows_as_text
from rag.loaders.text import decode
from rag.passages import Block


def load(path: Path, password: str | None) -> Iterator[Block]:
    text = decode(path.read_bytes())
    csv.field_size_limit(10_000_000)
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:16384], ",;\t|")
    except csv.Error:
        dialect = csv.excel_tab if path.suffix.lower() == ".tsv" else csv.excel
    yield from rows_as_text(csv.reader(io.StringIO(text.replace("\x00", "")), dialect))
