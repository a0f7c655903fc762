"""A table of the schema -> how large its values are, by declared types and sampled values.

The data is what it is: a statement is held to what it makes of it. So a text whose length nobody
declared counts as an article of a few pages, and a number as what was seen, many times over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from agents.databases.guard.growth import CHARACTER, FIXED, NUMBER, Size
from agents.databases.schema import Column, TableSchema

TEXT = 4_000  # bytes of a text of unknown length
USUAL_TEXT = 100
ROWS = 10_000  # of a table that nobody counted
LARGEST_NUMBER = 10_000  # of a column without samples
BEYOND_SAMPLES = 100  # how many times more than was seen a number may be

FIXED_TYPE = re.compile(
    r"\W*(tiny|small|medium|big|huge|u|double|long)*\s*(int|serial|float|real|double|dec|num|bool"
    r"|date|time|year|uuid|money|bit\b|interval)",
    re.IGNORECASE,
)
DECLARED = re.compile(r"char\w*\s*(?:varying)?\s*\((\d+)\)", re.IGNORECASE)
UNKNOWN = Size(TEXT, USUAL_TEXT, LARGEST_NUMBER)


def column_sizes(table: TableSchema) -> Mapping[str, Size]:
    """Folded name -> size of the column."""
    return {column.name.casefold(): _size(column) for column in table.columns}


def row_count(table: TableSchema) -> float:
    return float(ROWS if table.rows is None else max(table.rows, 1))


@lru_cache(maxsize=4096)
def _size(column: Column) -> Size:
    number = _largest_number(column.samples)
    if FIXED_TYPE.match(column.type):
        return Size(NUMBER, FIXED.usual, number)
    declared = DECLARED.search(column.type)
    longest = min(TEXT, CHARACTER * int(declared.group(1))) if declared else TEXT
    seen = [len(sample.encode()) for sample in column.samples]
    usual = max(seen) if seen else USUAL_TEXT
    return Size(longest, min(longest, usual), number)


def _largest_number(samples: tuple[str, ...]) -> float:
    try:
        seen = [abs(float(sample)) for sample in samples]
    except ValueError:  # a text, or a date
        return LARGEST_NUMBER
    return BEYOND_SAMPLES * max(seen) if seen else LARGEST_NUMBER
