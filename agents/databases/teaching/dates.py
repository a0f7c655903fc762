"""Days and months in a question -> as ISO 8601 has them. A year that is not said is the data's."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
SHORT_MONTHS = {name[:3]: number for number, name in enumerate(MONTHS, 1)} | {"sept": 9}
_MONTH = "|".join((*MONTHS, "sept", *(name[:3] for name in MONTHS)))
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_END = r"(?:\s*(?P<joint>to|and|through|until|-|–)\s*(?:the\s+)?(?P<last>\d{1,2})(?:st|nd|rd|th)?)?"
_YEAR = r"(?:,?\s+(?P<year>\d{4}))?"
_CHINESE_YEAR = r"(?:(?P<year>\d{4})\s*年\s*)?"
_CHINESE_END = r"(?:\s*(?P<joint>到|至|和|-|–|—|~)\s*(?P<last>\d{1,2})\s*[日号])?"

# each with the parts that it has: a year, a month, a day, and the last day of a span
FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        rf"\b(?P<name>{_MONTH})\.?\s+(?:the\s+)?{_DAY}(?![\d,]*\d){_END}(?!\d){_YEAR}",
        rf"\b{_DAY}\s+(?:of\s+)?(?P<name>{_MONTH})\b\.?{_YEAR}",
        rf"{_CHINESE_YEAR}(?P<month>\d{{1,2}})\s*月\s*(?P<day>\d{{1,2}})\s*[日号]?{_CHINESE_END}",
        r"(?P<year>\d{4})[-/](?P<month>\d{1,2})(?![-/\d])",
        rf"\b(?:the month of\s+)?(?P<name>{_MONTH})\b{_YEAR}",
        rf"{_CHINESE_YEAR}(?P<month>\d{{1,2}})\s*月份?",
    )
)


@dataclass(frozen=True)
class Date:
    """`iso` is a day (2025-03-01) or a month (2025-03), said between two places of the text."""

    start: int
    end: int
    iso: str

    @property
    def is_day(self) -> bool:
        return len(self.iso) > len("2025-03")


def find_dates(text: str, year: int) -> list[Date]:
    """In the order of the text; `year` is that of dates without one. No such day: not found."""
    found: list[Date] = []
    for form in FORMS:
        for match in form.finditer(text):
            apart = all(match.end() <= date.start or date.end <= match.start() for date in found)
            # "may" alone is a verb
            if apart and match[0].casefold() != "may":
                found += _dates(match, year)
    return sorted(found, key=lambda date: date.start)


def _dates(match: re.Match[str], year: int) -> Iterator[Date]:
    parts = match.groupdict()
    name = (parts.get("name") or "").lower()
    month = SHORT_MONTHS[name[:3]] if name else int(parts["month"])
    year = int(parts.get("year") or year)
    days = [int(day) for day in (parts.get("day"), parts.get("last")) if day]
    try:
        first = datetime.date(year, month, days[0] if days else 1)
        last = datetime.date(year, month, days[-1] if days else 1)
    except ValueError:  # no day of the calendar
        return
    if not days:
        yield Date(match.start(), match.end(), f"{first:%Y-%m}")
    elif len(days) == 1:
        yield Date(match.start(), match.end(), first.isoformat())
    else:
        cut = match.start("joint")
        yield Date(match.start(), cut, first.isoformat())
        yield Date(cut, match.end(), last.isoformat())
