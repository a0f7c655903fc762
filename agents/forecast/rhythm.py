"""Moments -> the rhythm in which they follow each other: hourly, daily, weekly and so on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidInput
from workbench.messages import say

if TYPE_CHECKING:
    import pandas

DAY = 24 * 60  # minutes
REGULAR = 0.5  # share of the steps that the most common one must have
EVERY = re.compile(r"(\d*)\s*(min|h|d|w|m|q|y)", re.I)
# pandas' name of a calendar's part -> (least and most days between two, steps of a season)
CALENDAR = {"MS": (28, 31, 12), "QS": (90, 92, 4), "YS": (365, 366, 1)}
WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
BY_LETTER = {"h": "h", "d": "D", "w": "W", "m": "MS", "q": "QS", "y": "YS"}


class Uneven(InvalidInput):
    """Moments that follow in no even rhythm, such as those of single events."""


@dataclass(frozen=True)
class Rhythm:
    """`freq` as pandas names it; `season` is after how many steps the same is expected again.

    `longer` are further such seasons, such as a week of hours.
    """

    freq: str
    season: int
    longer: tuple[int, ...] = ()

    def grid(self, first: pandas.Timestamp, last: pandas.Timestamp) -> pandas.DatetimeIndex:
        """The moments of this rhythm from the first to the last."""
        import pandas

        return pandas.date_range(first, last, freq=self.freq)

    def after(self, last: pandas.Timestamp, steps: int) -> pandas.DatetimeIndex:
        """The next moments after one of this rhythm."""
        import pandas

        return pandas.date_range(last, periods=steps + 1, freq=self.freq)[1:]


def read_every(text: str) -> Rhythm:
    """`15min`, `h`, `D`, `W`, `M`, `Q` or `Y` -> the rhythm. Raises InvalidInput."""
    found = EVERY.fullmatch(text.strip())
    if not found:
        raise InvalidInput(
            say("{text!r} is no step of time.", text=text),
            "Write 15min, h, D, W, M, Q or Y.",
        )
    number, letter = int(found[1] or 1), found[2].lower()
    if letter == "min":
        return of_minutes(number)
    if letter in ("h", "d"):
        return of_minutes(number * (60 if letter == "h" else DAY))
    if letter == "w":
        return Rhythm("W-MON", 52)
    name = BY_LETTER[letter]
    return Rhythm(name, CALENDAR[name][2])


def of_minutes(minutes: int) -> Rhythm:
    """The rhythm of a fixed step."""
    if minutes < DAY:
        name = "h" if minutes == 60 else f"{minutes}min"
        season = max(1, DAY // minutes)
        return Rhythm(name, season, (7 * season,))
    days = minutes // DAY
    if days == 1:
        return Rhythm("D", 7, (365,))
    return Rhythm(f"{days}D", 1)


def find_rhythm(stamps: pandas.Series, groups: pandas.Series) -> Rhythm:
    """By the step that is most common within the groups. Raises Uneven where none is."""
    import pandas

    table = pandas.DataFrame({"group": groups, "stamp": stamps}).drop_duplicates()
    table = table.sort_values(["group", "stamp"])
    steps = table.groupby("group")["stamp"].diff().dropna()
    if steps.empty:
        raise InvalidInput(
            "No group has two moments.", "Take a longer history, or fewer groups (--group)."
        )
    days = steps.dt.total_seconds() / 86_400
    for name, (least, most, season) in CALENDAR.items():
        if days.between(least, most).mean() >= REGULAR:
            return Rhythm(name, season)
    common = steps.mode()[0]
    if (steps == common).mean() < REGULAR:
        raise Uneven(
            "The moments follow in no even rhythm.",
            "Say into which steps they are put: --every h, D, W or M.",
        )
    minutes = round(common.total_seconds() / 60)
    if minutes < 1:
        raise InvalidInput(
            "The steps are shorter than a minute.", "Put them into longer ones: --every min."
        )
    if minutes == 7 * DAY:
        weekday = stamps.dt.day_name().mode()[0][:3].upper()
        return Rhythm(f"W-{weekday}", 52)
    if minutes == DAY and not (stamps.dt.dayofweek >= 5).any() and len(stamps.unique()) > 10:
        return Rhythm("B", 5)
    return of_minutes(minutes)


def put_on_grid(stamps: pandas.Series, rhythm: Rhythm) -> pandas.Series:
    """Each moment at the beginning of its step: 10:07 of an hourly rhythm becomes 10:00."""
    freq = rhythm.freq
    if freq in CALENDAR:
        return stamps.dt.to_period(freq[0]).dt.start_time
    if freq.startswith("W-"):
        back = (stamps.dt.dayofweek - WEEKDAYS.index(freq[2:])) % 7
        return stamps.dt.normalize() - back.map(_days)
    if freq in ("B", "D"):
        return stamps.dt.normalize()
    return _floored(stamps, freq)


def _days(number: int) -> pandas.Timedelta:
    import pandas

    return pandas.Timedelta(days=number)


def _floored(stamps: pandas.Series, freq: str) -> pandas.Series:
    """In steps from the first moment on, so that 10:30, 11:30, … stay as they are."""
    import pandas

    step = pandas.Timedelta(freq if freq[0].isdigit() else f"1{freq}")
    first = stamps.min().floor("min")
    common = ((stamps - first) % step).mode()[0]
    start = first + common
    return start + ((stamps - start) // step) * step


def moment_text(moment: Any, rhythm: Rhythm) -> str:
    """A moment as a person reads it: with the clock where the steps are shorter than a day."""
    short = rhythm.freq.endswith(("min", "h"))
    return moment.strftime("%Y-%m-%d %H:%M" if short else "%Y-%m-%d")
