"""Cells -> numbers, dates and labels: what each column of a result is, also of numbers as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

UNITS = {
    "": 1.0,
    "k": 1e3,
    "w": 1e4,
    "m": 1e6,
    "b": 1e9,
    "千": 1e3,
    "万": 1e4,
    "萬": 1e4,
    "百万": 1e6,
    "亿": 1e8,
    "億": 1e8,
}
# sign, currency, whole part, decimals, unit, "+" for "and more", percent
WRITTEN = re.compile(
    r"[+-]?[¥$€£]?\s*(\d{1,3}(?:[,，]\d{3})+|\d+)(\.\d+)?"
    r"\s*(百万|[kwmbKWMB千万萬亿億])?\+?\s*(%|％)?"
)
IDENTIFIER = re.compile(r"(^|_|\b)(id|uuid|code|no|zip|phone)$|编号|编码|代码|序号", re.I)
COUNT = re.compile(r"count|num|数量|个数|次数", re.I)
# a year, month or day, with a time or a span of hours behind it
DATED = re.compile(
    r"\d{4}([-/.年]\d{1,2})?([-/.月]\d{1,2})?日?"
    r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?(\s*-\s*\d{1,2}:\d{2})?"
)
DATE_NAME = re.compile(r"year|month|date|day|week|hour|time|quarter|年|月|日|周|时|季", re.I)
MOSTLY = 0.9  # share of a column's values that must be of a kind


@dataclass(frozen=True)
class Columns:
    """A result with numbers as numbers.

    `numeric` columns can be summed or compared, identifiers are not among them; `time` is the
    first column of dates; `labels` are all others.
    """

    frame: pandas.DataFrame
    numeric: tuple[str, ...]
    time: str | None
    labels: tuple[str, ...]


def read_columns(columns: list[str], rows: list[list[Any]]) -> Columns:
    """What each column is. Text such as "1.2万", "3,456" or "12%" becomes its number."""
    import pandas

    frame = pandas.DataFrame(rows, columns=columns, dtype=object)
    numeric: list[str] = []
    time: str | None = None
    labels: list[str] = []
    for name in columns:
        values = frame[name].dropna()
        if values.empty:
            labels.append(name)
            continue
        if time is None and _is_time(name, values):
            time = name
            continue
        numbers = _numbers(frame[name])
        if numbers is None or _is_identifier(name, numbers):
            labels.append(name)
        else:
            frame[name] = numbers
            numeric.append(name)
    return Columns(frame, tuple(numeric), time, tuple(labels))


def as_number(value: Any) -> float | None:
    """The number that a cell is or writes, None for anything else; 12% is 0.12."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip()
    match = WRITTEN.fullmatch(text)
    if not match:
        return None
    whole, decimals, unit, percent = match.groups()
    number = float(re.sub("[,，]", "", whole) + (decimals or ""))
    number *= UNITS[(unit or "").lower()]
    if text.startswith("-"):
        number = -number
    return number / 100 if percent else number


def _numbers(column: pandas.Series) -> pandas.Series | None:
    """The column as numbers where nearly all of it is; other cells become missing."""
    import pandas

    numbers = pandas.to_numeric(column.map(as_number), errors="coerce")
    readable = numbers[column.notna()].notna().mean()
    return numbers if readable >= MOSTLY else None


def _is_identifier(name: str, numbers: pandas.Series) -> bool:
    """Whether whole numbers only tell rows apart, by the column's name."""
    if not IDENTIFIER.search(name) or COUNT.search(name):
        return False
    return bool((numbers.dropna() % 1 == 0).all())


def _is_time(name: str, values: pandas.Series) -> bool:
    texts = [str(value).strip() for value in values]
    if not all(DATED.fullmatch(text) for text in texts):
        return False
    years = all(re.fullmatch(r"\d{4}", text) for text in texts)
    # 2024 alone is a year only under a name that says so
    return not years or bool(DATE_NAME.search(name))
