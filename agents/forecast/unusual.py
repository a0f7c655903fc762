"""Series -> values that stand out, and moments at which the level moved.

Both are said of what is left when the season is taken out. A value stands out by its modified
z-score (Iglewicz and Hoaglin 1993). The level moved where the medians of the values before and
after differ by more than a multiple of their spread, at the moment that separates them best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    import pandas

    from agents.forecast.series import Series

OUTLYING = 6.0  # modified z-score
SHIFTED = 3.0  # spreads between two medians
TO_DEVIATION = 0.6745  # makes the median absolute deviation a standard deviation
SIDE = 2  # seasons on each side of a shift
FEWEST = 24  # values
MOST = 20  # that are marked, the greatest first


def find_unusual(series: Series) -> list[dict[str, Any]]:
    """`group`, `ds`, `kind` (`outlier` or `shift`), `value` and `size`, the greatest first."""
    found: list[dict[str, Any]] = []
    for name, frame in series.frame.groupby("unique_id"):
        found += _of_group(str(name), frame, series.rhythm.season)
    found.sort(key=lambda mark: -mark["size"])
    return found[:MOST]


def _of_group(name: str, frame: pandas.DataFrame, season: int) -> list[dict[str, Any]]:
    values = frame["y"].to_numpy(dtype="float64")
    if len(values) < FEWEST:
        return []
    rest = _without_season(values, season)
    marks = [("outlier", row, size) for row, size in _outliers(rest)]
    marks += [("shift", row, size) for row, size in _shifts(rest, max(season, 12) * SIDE)]
    found = []
    for kind, row, size in marks:
        if not frame["filled"].iloc[row]:
            mark = {"group": name, "ds": frame["ds"].iloc[row], "kind": kind}
            found.append(mark | {"value": float(values[row]), "size": float(size)})
    return found


def _without_season(values: numpy.ndarray, season: int) -> numpy.ndarray:
    """Less the median of all values of the same place in the season, and less the nearby level."""
    import numpy
    import pandas

    places = numpy.arange(len(values)) % max(season, 1)
    if season > 1 and len(values) >= 3 * season:
        usual = pandas.Series(values).groupby(places).transform("median").to_numpy()
        return values - usual
    return values - numpy.median(values)


def _outliers(rest: numpy.ndarray) -> list[tuple[int, float]]:
    """(row, modified z-score) beside the median of a window around each value."""
    import numpy
    import pandas

    around = pandas.Series(rest).rolling(25, center=True, min_periods=5).median().to_numpy()
    residue = rest - around
    spread = float(numpy.median(numpy.abs(residue)))
    if not spread:
        return []
    scores = TO_DEVIATION * numpy.abs(residue) / spread
    return [(int(row), float(scores[row])) for row in (scores > OUTLYING).nonzero()[0]]


def _shifts(rest: numpy.ndarray, side: int) -> list[tuple[int, float]]:
    """(first row of the new level, spreads between the levels)."""
    import numpy
    import pandas

    if len(rest) < 2 * side:
        return []
    medians = pandas.Series(rest).rolling(side, min_periods=side).median().to_numpy()
    before = medians[side - 1 : len(rest) - side]
    after = medians[2 * side - 1 :]
    steps = numpy.abs(after - before)
    spread = float(numpy.median(numpy.abs(numpy.diff(rest)))) / TO_DEVIATION
    if not spread:
        return []
    found: list[tuple[int, float]] = []
    sizes = steps / spread
    while len(found) < MOST and sizes.max(initial=0.0) > SHIFTED:
        best = int(sizes.argmax())
        found.append((best + side, float(sizes[best])))
        sizes[max(0, best - side) : best + side] = 0.0
    return found
