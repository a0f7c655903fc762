"""What a step's model learns from: a table of numbers, and the form of what it forecasts.

A form is what is taken away from the value before it is learned, and added again after. `level`
takes nothing, `change` the newest value, `season` the value one season before. Every number is
divided by the usual size of its group, so that groups of any size teach each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.forecast.features import CALENDAR, Seen
from agents.forecast.layout import season_lag

if TYPE_CHECKING:
    import numpy
    import pandas

GROUP = "group"


@dataclass(frozen=True)
class Lesson:
    """For one step: `inputs` of shape (rows, names), and what is taken from and divides a value."""

    names: list[str]
    inputs: numpy.ndarray
    base: numpy.ndarray
    size: numpy.ndarray

    def only(self, rows: numpy.ndarray) -> Lesson:
        """The same, of some rows."""
        return Lesson(self.names, self.inputs[rows], self.base[rows], self.size[rows])

    def learned(self, values: numpy.ndarray) -> numpy.ndarray:
        """A value as the model learns it."""
        return (values - self.base) / self.size

    def forecast(self, learned: numpy.ndarray) -> numpy.ndarray:
        """The inverse of `learned`."""
        return learned * self.size + self.base


def lesson(seen: Seen, step: int, form: str, sizes: Mapping[str, float]) -> Lesson:
    """What the model of that step sees at every row."""
    import numpy

    size = seen.rows["unique_id"].map(sizes).fillna(1.0).to_numpy(dtype="float64")
    base = numpy.zeros(len(size))
    if form == "change":
        base = seen.lag(1)
    elif form == "season":
        base = seen.season(step)
    columns = {}
    for name, column in _values(seen, step).items():
        columns[name] = (column - base) / size
    for name, column in _spreads(seen).items():
        columns[name] = column / size
    columns |= _others(seen, step)
    inputs = numpy.column_stack(list(columns.values())).astype("float32")
    return Lesson(list(columns), inputs, base, size)


def _values(seen: Seen, step: int) -> dict[str, numpy.ndarray]:
    """Numbers of the size of a value."""
    import numpy

    layout = seen.layout
    found = {f"lag {number}": seen.lag(number) for number in range(1, layout.near + 1)}
    for season in layout.seasons:
        found[f"season {season}"] = seen.lag(season_lag(step, season))
    if layout.alike:
        alike = numpy.stack([seen.lag(number) for number in layout.alike_lags(step)])
        found[f"seasons {layout.rhythm.season}"] = alike.mean(axis=0)
    for window in layout.means:
        name = f"rolling_mean_lag1_window_size{window}_min_samples1"
        found[f"mean {window}"] = seen.rows[name].to_numpy()
    return found


def _spreads(seen: Seen) -> dict[str, numpy.ndarray]:
    season = seen.layout.rhythm.season
    name = f"rolling_std_lag1_window_size{season}_min_samples2"
    return {f"spread {season}": seen.rows[name].to_numpy()} if name in seen.rows else {}


def _others(seen: Seen, step: int) -> dict[str, numpy.ndarray]:
    """The calendar, further columns, and which group it is."""
    layout = seen.layout
    found = {}
    if layout.calendar:
        moments = seen.moments(step)
        for part, rhythms in CALENDAR.items():
            if layout.rhythm.freq.lstrip("0123456789").split("-")[0] in rhythms:
                found[part] = part_of(moments, part)
    for name, values in seen.further.items():
        found[f"column {name}"] = values[:, step]
    if layout.groups:
        numbers = {name: number for number, name in enumerate(layout.groups)}
        found[GROUP] = seen.rows["unique_id"].map(numbers).fillna(-1).to_numpy()
    return found


def part_of(moments: pandas.DatetimeIndex, part: str) -> numpy.ndarray:
    """One part of the calendar of each moment."""
    if part == "week":
        return moments.isocalendar().week.to_numpy(dtype="float64")
    return getattr(moments, part).to_numpy(dtype="float64")
