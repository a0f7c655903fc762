"""Series and a layout -> what a model sees at each moment: lags and windows by mlforecast.

A row stands for the first moment that is forecast, and shows only what was known before it: values
up to the moment before, the calendar, and columns known ahead. The last row of each group is the
moment after its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agents.forecast.layout import Layout, season_lag
from workbench.errors import InvalidInput
from workbench.extras import require
from workbench.messages import say

if TYPE_CHECKING:
    import numpy
    import pandas

    from agents.forecast.series import Series

PURPOSE = "A forecast"
# part of the calendar -> the rhythms that it tells apart
CALENDAR = {
    "hour": ("min", "h"),
    "dayofweek": ("min", "h", "D", "B"),
    "day": ("D", "B"),
    "week": ("W",),
    "month": ("D", "B", "W", "MS", "QS"),
}


@dataclass(frozen=True)
class Seen:
    """`rows` has unique_id, ds, y and a column for each lag and window; `place` is the number of
    each row's moment, counted from the first moment of all groups."""

    layout: Layout
    rows: pandas.DataFrame
    grid: pandas.DatetimeIndex
    place: numpy.ndarray
    targets: numpy.ndarray
    """Shape (rows, steps): the value at each step, NaN where it is unknown or was filled in."""

    further: dict[str, numpy.ndarray]
    """Further column -> shape (rows, steps): its value at each step, or its newest value."""

    @cached_property
    def last(self) -> numpy.ndarray:
        """The row of each group that stands for the moment after its end."""
        return (~self.rows["unique_id"].duplicated(keep="last")).to_numpy().nonzero()[0]

    def moments(self, step: int) -> pandas.DatetimeIndex:
        """The moment of each row's step."""
        return self.grid[self.place + step]

    def lag(self, number: int) -> numpy.ndarray:
        """The value that many moments before each row's."""
        return self.rows[f"lag{number}"].to_numpy()

    def season(self, step: int) -> numpy.ndarray:
        """The value one season before a step, or the newest value: the seasonal naive forecast."""
        import numpy

        before = self.lag(season_lag(step, self.layout.rhythm.season))
        return numpy.where(numpy.isnan(before), self.lag(1), before)


def see(series: Series, layout: Layout) -> Seen:
    """Raises Unavailable without the extra `forecast`, InvalidInput where a column known ahead has
    no value ahead."""
    import numpy

    frame = _with_next(series)
    rows = _lags(frame, layout)
    grid = series.rhythm.grid(rows["ds"].min(), rows["ds"].max())
    grid = grid.append(series.rhythm.after(grid[-1], layout.horizon))
    place = grid.get_indexer(rows["ds"])
    values = numpy.where(frame["filled"], numpy.nan, frame["y"])
    seen = Seen(layout, rows, grid, place, _ahead(frame, values, layout.horizon), {})
    seen.further.update(_further(frame, series, seen))
    return seen


def _with_next(series: Series) -> pandas.DataFrame:
    """One more row at the end of each group, whose value is never looked at."""
    import pandas

    last = series.frame.drop_duplicates("unique_id", keep="last").copy()
    following = {ds: series.rhythm.after(ds, 1)[0] for ds in last["ds"].unique()}
    last["ds"] = last["ds"].map(following)
    last["filled"] = True
    frame = pandas.concat([series.frame, last], ignore_index=True)
    return frame.sort_values(["unique_id", "ds"], ignore_index=True)


def _lags(frame: pandas.DataFrame, layout: Layout) -> pandas.DataFrame:
    require("mlforecast", "forecast", PURPOSE)
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean, RollingStd

    windows: list[Any] = []
    for window in layout.means:
        windows.append(RollingMean(window, min_samples=1))
        if window == layout.rhythm.season:
            windows.append(RollingStd(window, min_samples=2))
    maker = MLForecast(
        models=[],
        freq=layout.rhythm.freq,
        lags=layout.lags,
        lag_transforms={1: windows} if windows else None,
    )
    return maker.preprocess(frame[["unique_id", "ds", "y"]], static_features=[], dropna=False)


def _ahead(frame: pandas.DataFrame, values: Any, steps: int) -> numpy.ndarray:
    """Shape (rows, steps): the value at each row and those after it in its group."""
    import numpy

    codes = frame["unique_id"].factorize()[0]
    found = numpy.full((len(frame), steps), numpy.nan, dtype="float64")
    for step in range(steps):
        same = codes[: len(codes) - step] == codes[step:]
        column = found[: len(codes) - step, step]
        column[same] = numpy.asarray(values)[step:][same]
    return found


def _further(frame: pandas.DataFrame, series: Series, seen: Seen) -> dict[str, numpy.ndarray]:
    import numpy

    layout = seen.layout
    found = {}
    for name in layout.unknown:
        newest = _coded(frame, name, layout).groupby(frame["unique_id"]).shift(1)
        found[name] = numpy.repeat(newest.to_numpy()[:, None], layout.horizon, axis=1)
    for name in layout.known:
        found[name] = _known(name, series, layout, seen.rows["unique_id"], seen.moments)
    return found


def _known(name: str, series: Series, layout: Layout, ids: Any, moments: Any) -> numpy.ndarray:
    """The column's value at each step, also after the end where the table says it."""
    import numpy
    import pandas

    whole = pandas.concat([series.frame, series.ahead], ignore_index=True)
    whole = whole.drop_duplicates(["unique_id", "ds"], keep="first")
    index = pandas.MultiIndex.from_frame(whole[["unique_id", "ds"]])
    values = _coded(whole, name, layout).to_numpy()
    found = numpy.full((len(ids), layout.horizon), numpy.nan)
    for step in range(layout.horizon):
        places = index.get_indexer(pandas.MultiIndex.from_arrays([ids, moments(step)]))
        found[:, step] = numpy.where(places < 0, numpy.nan, values[places])
    return found


def _coded(frame: pandas.DataFrame, name: str, layout: Layout) -> pandas.Series:
    """The column as numbers; a word is its place in the layout's list."""
    words = (layout.words or {}).get(name)
    if words is None:
        return frame[name].astype("float64")
    numbers = {word: float(number) for number, word in enumerate(words)}
    return frame[name].astype(str).map(numbers)


def check_known(seen: Seen) -> None:
    """Raises InvalidInput where a column known ahead has no value for what is forecast."""
    import numpy

    for name in seen.layout.known:
        if numpy.isnan(seen.further[name][seen.last]).any():
            raise InvalidInput(
                say("{name} is to be known ahead, but has no values after the end.", name=name),
                "Add rows with its values and an empty target, or name it with --unknown.",
            )
