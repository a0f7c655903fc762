"""CSV and TSV -> one block a row, each value beside its column's name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from rag.loaders.rows import rows_as_text
from rag.loaders.text import decode
from rag.passages import Block

DELIMITERS = ",;\t|"
SAMPLE = 16_384  # characters that the delimiter is guessed from
LONGEST_FIELD = 10_000_000


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The rows; the first names the columns."""
    text = decode(path.read_bytes()).replace("\x00", "")  # csv refuses NUL
    csv.field_size_limit(LONGEST_FIELD)
    yield from rows_as_text(csv.reader(io.StringIO(text), _dialect(text, path)))


def _dialect(text: str, path: Path) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(text[:SAMPLE], DELIMITERS)
    except csv.Error:
        return csv.excel_tab if path.suffix.lower() == ".tsv" else csv.excel
