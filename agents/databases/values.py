"""A value as a database gives it -> what JSON has. Imports no database."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from typing import Any

LONGEST_CELL = 2_000  # characters
NUMBER_SIZE = 8  # what a cell without text counts


def plain_value(value: Any) -> Any:
    """A cell as JSON has it.

    Numbers stay exact where JSON can hold them, dates become ISO text, long text is cut, and of a
    blob only its size stays.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return _number(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    text = str(value)
    if isinstance(value, list | dict):
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"


def plain_size(cells: list[Any]) -> int:
    """How many characters a row of plain values counts."""
    return sum(len(cell) if isinstance(cell, str) else NUMBER_SIZE for cell in cells)


def _number(value: decimal.Decimal) -> int | float | str | None:
    if not value.is_finite():
        return None
    if value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    short = float(value)
    return short if decimal.Decimal(repr(short)) == value else str(value)
