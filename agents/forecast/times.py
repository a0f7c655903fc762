"""A column of cells -> moments on one clock, whatever form its dates have.

The form is decided by the whole column: 05-02-2010 is the fifth of February where another cell is
19-02-2010. A range counts by its start. Moments with different offsets become UTC.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

MOSTLY = 0.9  # share of the cells that must be readable as moments
CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
# "10:00 - 11:00", "2025-01-01 ~ 2025-01-07"; between clocks also without spaces
RANGE = re.compile(rf"\s+(?:-|–|—|~|to|至|到)\s+|\s*[–—~至到]\s*|(?<=:\d\d)-(?={CLOCK}$)")
OFFSET = re.compile(r"\s*(?:(Z)|UTC|GMT|([+-]\d{2}):?(\d{2})?)$")
CHINESE = [(r"[年月](?=\d)", "-"), (r"[年月日号](?=\s|$)", ""), (r"日(?=\d)", " ")]
HOURS = re.compile(r"(\d{1,2})[时点](?:(\d{1,2})分?)?$")
YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[ T]+(.*))?")
YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?:[ T]+(.*))?")
QUARTER = re.compile(r"(\d{4})\W?Q([1-4])", re.I)
WEEK = re.compile(r"(\d{4})\W?W(\d{1,2})", re.I)
DIGITS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "s", 13: "ms"}  # 20250131; seconds since 1970


@dataclass(frozen=True)
class Moments:
    """`stamps` are in the order of the cells, NaT where a cell cannot be read."""

    stamps: pandas.Series
    unread: int = 0
    zone: str = ""
    """The offset that all cells have, such as +08:00; UTC where they have several; or empty."""


def read_moments(cells: pandas.Series) -> Moments | None:
    """The cells as moments, or None where they are mostly something else."""
    import pandas

    if pandas.api.types.is_datetime64_any_dtype(cells):
        return _typed(cells)
    if pandas.api.types.is_float_dtype(cells) or pandas.api.types.is_bool_dtype(cells):
        return None
    texts = cells.dropna().astype(str)
    distinct = pandas.Series(texts.unique())
    if distinct.empty:
        return None
    read, zone = _read_texts(distinct)
    if read.notna().mean() < MOSTLY:
        return None
    stamps = cells.astype(str).where(cells.notna()).map(dict(zip(distinct, read, strict=True)))
    stamps = pandas.to_datetime(stamps)
    return Moments(stamps, int(stamps.isna().sum()), zone)


def _typed(cells: pandas.Series) -> Moments:
    zone = "" if cells.dt.tz is None else "UTC"
    stamps = cells if cells.dt.tz is None else cells.dt.tz_convert("UTC").dt.tz_localize(None)
    return Moments(stamps, int(stamps.isna().sum()), zone)


def _read_texts(texts: pandas.Series) -> tuple[pandas.Series, str]:
    """(moments, zone) of distinct texts."""
    import pandas

    plain = [_plain(text) for text in texts]
    ends = [RANGE.split(text, maxsplit=1) for text in plain]
    if _are_offsets(ends):
        ends = [[text] for text in plain]
    parts = [_without_offset(start[0].strip()) for start in ends]
    stamps = _read_dates([text for text, _ in parts])
    minutes = pandas.Series([minutes for _, minutes in parts], dtype="Int64")
    offsets = set(minutes.dropna())
    if not offsets:
        return stamps, ""
    if len(offsets) == 1 and minutes.notna().all():
        return stamps, _written(offsets.pop())
    return stamps - pandas.to_timedelta(minutes.fillna(0).astype("int64"), unit="min"), "UTC"


def _plain(text: str) -> str:
    """Half-width signs, and hyphens and colons instead of 年月日时分."""
    plain = unicodedata.normalize("NFKC", text).strip()
    for pattern, instead in CHINESE:
        plain = re.sub(pattern, instead, plain)
    return HOURS.sub(lambda found: f"{found[1]}:{found[2] or '00'}", plain)


def _are_offsets(ends: list[list[str]]) -> bool:
    """Whether what looks like the end of a range is the offset of a zone: the same one in all."""
    after = {end[1] for end in ends if len(end) > 1}
    return len(after) == 1 and len(ends) > 1 and all(len(end) > 1 for end in ends)


def _without_offset(text: str) -> tuple[str, int | None]:
    """(text, minutes east of UTC); a date alone has no offset."""
    found = OFFSET.search(text)
    if not found or ":" not in text[: found.start()]:
        return text, None
    hours, minutes = int(found[2] or 0), int(found[3] or 0)
    east = hours * 60 + (minutes if hours >= 0 else -minutes)
    return text[: found.start()], east


def _written(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if not minutes else f"{'+' if minutes > 0 else '-'}{hours:02}:{rest:02}"


def _read_dates(texts: list[str]) -> pandas.Series:
    """By the first reading that fits most of the texts."""
    import pandas

    written = pandas.Series(texts)
    for reading in (_by_digits, _year_first, _year_last, _named_parts, _in_words):
        stamps = reading(written)
        if stamps.notna().mean() >= MOSTLY:
            return stamps
    return pandas.Series([pandas.NaT] * len(texts))


def _by_digits(texts: pandas.Series) -> pandas.Series:
    import pandas

    lengths = texts.str.len()
    length = int(lengths.mode()[0])
    fits = texts.str.fullmatch(r"\d+") & (lengths == length)
    form = DIGITS.get(length, "")
    digits = texts.where(fits)
    if not form or not fits.any():
        return pandas.Series(pandas.NaT, index=texts.index)
    if form in ("s", "ms"):
        return pandas.to_datetime(pandas.to_numeric(digits), unit=form, errors="coerce")
    stamps = pandas.to_datetime(digits, format=form, errors="coerce")
    years = stamps.dt.year.between(1800, 2200)
    return stamps.where(years)


def _year_first(texts: pandas.Series) -> pandas.Series:
    found = texts.str.extract(f"^{YEAR_FIRST.pattern}$")
    return _assembled(found[0], found[1], found[2].fillna("1"), found[3])


def _year_last(texts: pandas.Series) -> pandas.Series:
    """Day or month first: as more of the column can be, then as its days follow more evenly."""
    found = texts.str.extract(f"^{YEAR_LAST.pattern}$")
    years = found[2].where(found[2].str.len() != 2, "20" + found[2])
    day_first = _assembled(years, found[1], found[0], found[3])
    month_first = _assembled(years, found[0], found[1], found[3])
    if day_first.notna().sum() != month_first.notna().sum():
        return max(day_first, month_first, key=lambda stamps: stamps.notna().sum())
    return max(month_first, day_first, key=_evenness)


def _evenness(stamps: pandas.Series) -> float:
    """The share of the most common step."""
    steps = stamps.dropna().sort_values().drop_duplicates().diff().dropna()
    return float(steps.value_counts(normalize=True).max()) if len(steps) else 0.0


def _assembled(
    years: pandas.Series, months: pandas.Series, days: pandas.Series, clocks: pandas.Series
) -> pandas.Series:
    """A clock may be a bare hour, as of a column of hours beside one of days."""
    import pandas

    hours = clocks.fillna("00:00").str.strip().str.rstrip(":")
    hours = hours.where(hours.str.contains(":"), hours + ":00")
    joined = years + "-" + months.str.zfill(2) + "-" + days.str.zfill(2) + " " + hours
    return pandas.to_datetime(joined, format="mixed", errors="coerce")


def _named_parts(texts: pandas.Series) -> pandas.Series:
    """2025Q3 and 2025-W05 begin with their first day."""
    import pandas

    quarters = texts.str.extract(f"^{QUARTER.pattern}$", flags=re.I)
    if quarters[0].notna().any():
        months = pandas.to_numeric(quarters[1]) * 3 - 2
        named = quarters[0] + "-" + months.astype("Int64").astype(str)
        return pandas.to_datetime(named, format="%Y-%m", errors="coerce")
    weeks = texts.str.extract(f"^{WEEK.pattern}$", flags=re.I)
    named = weeks[0] + "-" + weeks[1] + "-1"
    return pandas.to_datetime(named, format="%G-%V-%u", errors="coerce")


def _in_words(texts: pandas.Series) -> pandas.Series:
    """Jan 5, 2025 and 05-Feb-2010; numbers alone are no dates."""
    import pandas

    worded = texts.where(texts.str.contains("[A-Za-z]{3}") & texts.str.contains(r"\d"))
    return pandas.to_datetime(worded, format="mixed", dayfirst=True, errors="coerce")
