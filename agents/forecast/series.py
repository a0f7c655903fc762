"""A table -> series of one even rhythm, one for each group, and what had to be done for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.databases.figures import as_number
from agents.forecast.rhythm import Rhythm, find_rhythm, put_on_grid, read_every
from agents.forecast.times import Moments, read_moments
from workbench.errors import InvalidInput
from workbench.messages import say

if TYPE_CHECKING:
    import pandas

ALL = "all"  # the name of the only series of a table without groups
BETWEEN = " · "  # the values of several group columns in one name
MOST_FILLED = 20  # rows with all gaps filled for each row of the table, beyond the first ones
FREE_ROWS = 200_000
NUMERIC = 0.9  # share of a column that must be numbers
HOUR_NAMES = ("hr", "hour", "hours", "小时", "时")


@dataclass(frozen=True)
class Wanted:
    """Which columns of a table are the series; an empty `time` or `target` is found."""

    time: str = ""
    target: str = ""
    group: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    """Further columns that are known ahead, such as holidays: their value at the time counts."""

    unknown: tuple[str, ...] = ()
    """Further columns that are known afterwards: their newest value counts."""

    every: str = ""
    repeats: str = "sum"
    """What several rows of one group and moment become: `sum` or `mean`."""

    gaps: str = "past"
    """What a missing moment becomes: the value a season before (`past`), or `zero`."""


@dataclass(frozen=True)
class Series:
    """`frame` has unique_id, ds, y, filled and the further columns, without gaps, in order.

    `ahead` has the columns known ahead after the end of the series. `facts` count what was done.
    """

    frame: pandas.DataFrame
    ahead: pandas.DataFrame
    rhythm: Rhythm
    wanted: Wanted
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def groups(self) -> list[str]:
        """The names of the series."""
        return list(self.frame["unique_id"].unique())


def read_series(table: pandas.DataFrame, wanted: Wanted) -> Series:
    """Raises InvalidInput where a column is missing or nothing can be read as time or number."""
    table = table.rename(columns=str)
    _check_columns(table, wanted)
    time, moments = _find_time(table, wanted)
    target = wanted.target or _find_target(table, time, wanted)
    frame = _joined(table, wanted, time, target, moments)
    facts: dict[str, Any] = {"rows": len(table), "unread": moments.unread, "zone": moments.zone}
    facts |= {"time": time, "target": target}
    frame = frame.dropna(subset=["ds"])
    measured = frame.dropna(subset=["y"])
    if measured.empty:
        raise InvalidInput(
            say("The column {target} has no number.", target=target),
            "Name another one with --target.",
        )
    if wanted.every:
        rhythm = read_every(wanted.every)
    else:
        rhythm = find_rhythm(measured["ds"], measured["unique_id"])
    frame["ds"] = put_on_grid(frame["ds"], rhythm)
    measured = frame.dropna(subset=["y"])
    whole = _without_repeats(measured, wanted, facts)
    whole = _without_gaps(whole, rhythm, wanted, facts)
    ahead = frame[frame["y"].isna()].drop_duplicates(["unique_id", "ds"], keep="last")
    facts["groups"] = whole["unique_id"].nunique()
    return Series(whole, ahead.drop(columns="y"), rhythm, wanted, facts)


def _check_columns(table: pandas.DataFrame, wanted: Wanted) -> None:
    named = [*wanted.time.split("+"), wanted.target, *wanted.group, *wanted.known, *wanted.unknown]
    missing = [name for name in named if name and name not in table.columns]
    if missing:
        raise InvalidInput(
            say("The table has no column {names}.", names=", ".join(missing)),
            say("It has: {columns}.", columns=", ".join(table.columns)),
        )


def _find_time(table: pandas.DataFrame, wanted: Wanted) -> tuple[str, Moments]:
    """The named column, or the first one that holds moments; a column of hours is added to days.

    `day+hour` names two columns that are one moment together.
    """
    names = [wanted.time] if wanted.time else list(table.columns)
    for name in names:
        parts = name.split("+") if name not in table.columns else [name]
        cells = _text_of(table, parts)
        if not wanted.time and not _may_be_time(table[name]):
            continue
        moments = read_moments(cells)
        if moments is None:
            continue
        hours = _hours_beside(table, moments) if len(parts) == 1 else ""
        if hours:
            name = f"{name}+{hours}"
            both = read_moments(_text_of(table, name.split("+")))
            moments = both or moments
        return name, moments
    raise InvalidInput(
        say("No moments can be read in {names}.", names=", ".join(names)),
        "Name the column that holds them with --time.",
    )


def _text_of(table: pandas.DataFrame, names: list[str]) -> pandas.Series:
    if len(names) == 1:
        return table[names[0]]
    texts = table[names[0]].astype(str).str.replace(r"[ T]0?0:00(:00)?$", "", regex=True)
    for name in names[1:]:
        texts = texts + " " + table[name].astype(str)
    return texts


def _may_be_time(cells: pandas.Series) -> bool:
    """Whether a column that nobody has named may be searched: numbers alone are no dates."""
    import pandas

    if pandas.api.types.is_datetime64_any_dtype(cells):
        return True
    if pandas.api.types.is_numeric_dtype(cells):
        return False
    return bool(cells.head(200).astype(str).str.contains(r"\d\D+\d|^\d{8}$").mean() > NUMERIC)


def _hours_beside(table: pandas.DataFrame, moments: Moments) -> str:
    """The column of hours (0 to 23) that stands beside a column of days."""
    import pandas

    stamps = moments.stamps.dropna()
    if (stamps != stamps.dt.normalize()).any():
        return ""
    for name in table.columns:
        if name.lower() not in HOUR_NAMES:
            continue
        hours = pandas.to_numeric(table[name], errors="coerce")
        if hours.between(0, 23).all() and hours.nunique() > 1:
            return name
    return ""


def _find_target(table: pandas.DataFrame, time: str, wanted: Wanted) -> str:
    """The only column of numbers that has no other task. Raises InvalidInput."""
    taken = {*time.split("+"), *wanted.group, *wanted.known, *wanted.unknown}
    names = [
        name for name in table.columns if name not in taken and numbers(table[name]) is not None
    ]
    if len(names) != 1:
        raise InvalidInput(
            "It is not clear which column is forecast.",
            say("Name one with --target: {names}.", names=", ".join(names or table.columns)),
        )
    return names[0]


def numbers(cells: pandas.Series) -> pandas.Series | None:
    """The cells as numbers, also of text such as 1,234; None where they are mostly words."""
    import pandas

    if pandas.api.types.is_numeric_dtype(cells):
        return cells.astype("float64")
    plain = pandas.to_numeric(cells, errors="coerce")
    said = cells.notna() & (cells.astype(str).str.strip() != "")
    if plain[said].isna().any():
        plain = pandas.to_numeric(cells.map(as_number), errors="coerce")
    return plain if plain[said].notna().mean() >= NUMERIC else None


def _joined(
    table: pandas.DataFrame, wanted: Wanted, time: str, target: str, moments: Moments
) -> pandas.DataFrame:
    import pandas

    values = numbers(table[target])
    if values is None:
        raise InvalidInput(
            say("The column {target} does not hold numbers.", target=target),
            "Name another one with --target.",
        )
    names = pandas.Series(ALL, index=table.index)
    if wanted.group:
        first, *others = (table[name].astype(str) for name in wanted.group)
        names = first.str.cat(others, sep=BETWEEN) if others else first
    frame = pandas.DataFrame({"unique_id": names, "ds": moments.stamps, "y": values})
    frame["y"] = frame["y"].replace([float("inf"), float("-inf")], float("nan"))
    for name in (*wanted.known, *wanted.unknown):
        column = numbers(table[name])
        frame[name] = table[name].astype(str) if column is None else column
    return frame


def _without_repeats(
    frame: pandas.DataFrame, wanted: Wanted, facts: dict[str, Any]
) -> pandas.DataFrame:
    keys = ["unique_id", "ds"]
    facts["repeats"] = int(frame.duplicated(keys).sum())
    if facts["repeats"]:
        how = dict.fromkeys((*wanted.known, *wanted.unknown), "last")
        frame = frame.groupby(keys, as_index=False).agg({"y": wanted.repeats, **how})
    return frame.sort_values(keys, ignore_index=True)


def _without_gaps(
    frame: pandas.DataFrame, rhythm: Rhythm, wanted: Wanted, facts: dict[str, Any]
) -> pandas.DataFrame:
    """Every moment of the rhythm between the first and the last one of each group."""
    from utilsforecast.preprocessing import fill_gaps

    spans = frame.groupby("unique_id")["ds"].agg(["min", "max"])
    longest = len(rhythm.grid(spans["min"].min(), spans["max"].max()))
    shares = (spans["max"] - spans["min"]) / max(spans["max"].max() - spans["min"].min(), _moment())
    most = max(FREE_ROWS, MOST_FILLED * len(frame))
    if longest * float(shares.sum()) > most:
        raise InvalidInput(
            say("With all gaps filled there are more than {most:,} rows.", most=most),
            "Put the moments into longer steps: --every h, D, W or M.",
        )
    whole = fill_gaps(frame, freq=rhythm.freq, start="per_serie", end="per_serie")
    whole = whole.sort_values(["unique_id", "ds"], ignore_index=True)
    whole["filled"] = whole["y"].isna()
    facts["gaps"] = int(whole["filled"].sum())
    if facts["gaps"]:
        whole["y"] = _filled(whole, rhythm, wanted)
        further = [*wanted.known, *wanted.unknown]
        if further:
            whole[further] = whole.groupby("unique_id")[further].ffill()
    return whole


def _filled(frame: pandas.DataFrame, rhythm: Rhythm, wanted: Wanted) -> Any:
    """Zeros, or the value a season before, which may itself be filled; never one of later."""
    values = frame["y"].to_numpy(copy=True)
    if wanted.gaps == "zero":
        values[frame["filled"].to_numpy()] = 0.0
        return values
    begins = frame.groupby("unique_id").cumcount().to_numpy()
    for row in frame["filled"].to_numpy().nonzero()[0]:
        back = rhythm.season if begins[row] >= rhythm.season else 1
        values[row] = values[row - back]
    return values


def _moment() -> pandas.Timedelta:
    import pandas

    return pandas.Timedelta(minutes=1)
