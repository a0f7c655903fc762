"""Cells -> numbers, dates and labels: what each column of a result is, also where numbers are kept as text."""

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
WRITTEN = re.compile(
    r"[+-]?[¥$€£]?\s*(\d{1,3}(?:[,，]\d{3})+|\d+)(\.\d+)?\s*(百万|[kwmbKWMB千万萬亿億])?\+?\s*(%|％)?"
)
IDENTIFIER = re.compile(r"(^|_|\b)(id|uuid|code|no|zip|phone)$|编号|编码|代码|序号", re.I)
DATED = re.compile(
    r"\d{4}([-/.年]\d{1,2})?([-/.月]\d{1,2})?日?([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?(\s*-\s*\d{1,2}:\d{2})?"
)
DATE_NAME = re.compile(r"year|month|date|day|week|hour|time|quarter|年|月|日|周|时|季", re.I)
MOSTLY = 0.9  # share of a column's values that must be of a kind


@dataclass(frozen=True)
class Columns:
    """The result as numbers and labels. `numeric` are to be summed or compared; identifiers are not among them."""

    frame: pandas.DataFrame
    numeric: tuple[str, ...]
    time: str | None
    labels: tuple[str, ...]


def read_columns(columns: list[str], rows: list[list[Any]]) -> Columns:
    """What each column is. Text such as "1.2万", "3,456" or "12%" becomes the number it stands for."""
    import pandas

    frame = pandas.DataFrame(rows, columns=columns, dtype=object)
    numeric: list[str] = []
    time: str | None = None
    labels: list[str] = []
    for name in columns:
        values = frame[name].dropna()
        if time is None and len(values) and _is_time(name, values):
            time = name
        elif (
            len(values)
            and (numbers := _numbers(frame[name])) is not None
            and not _is_identifier(name, numbers)
        ):
            frame[name] = numbers
            numeric.append(name)
        else:
            labels.append(name)
    return Columns(frame, tuple(numeric), time, tuple(labels))


def as_number(value: Any) -> float | None:
    """The number that a cell stands for, or None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip()
    match = WRITTEN.fullmatch(text)
    if not match:
        return None
    whole, decimals, unit, percent = match.groups()
    number = float(re.sub("[,，]", "", whole) + (decimals or "")) * UNITS[(unit or "").lower()]
    return (-number if text.startswith("-") else number) / (100 if percent else 1)


def _numbers(column: pandas.Series) -> pandas.Series | None:
    """The column as numbers where nearly all of it is; what is not becomes missing."""
    import pandas

    numbers = pandas.to_numeric(column.map(as_number), errors="coerce")
    present = column.notna()
    return numbers if numbers[present].notna().mean() >= MOSTLY else None


def _is_identifier(name: str, numbers: pandas.Series) -> bool:
    return (
        bool(IDENTIFIER.search(name))
        and not re.search(r"count|num|数量|个数|次数", name, re.I)
        and bool((numbers.dropna() % 1 == 0).all())
    )


def _is_time(name: str, values: pandas.Series) -> bool:
    texts = values.map(str)
    if not texts.map(lambda text: bool(DATED.fullmatch(text.strip()))).all():
        return False
    whole = texts.str.fullmatch(
        r"\d{4}"
    ).all()  # 2024 alone is a year only under a name that says so
    return bool(DATE_NAME.search(name)) if whole else True
