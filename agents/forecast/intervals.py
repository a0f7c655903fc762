"""Errors of a back-test -> the band around a forecast, and the share of values that it held.

Split conformal prediction (Vovk et al. 2005; Lei et al. 2018): the band is a quantile of errors on
moments that the models had not seen. Errors are divided by the usual size of their group and by the
mean error of their step, so that all of them serve every group and step. Each side has a quantile
of its own, because errors upwards and downwards differ.

Errors of time series drift. So the share that may lie outside follows what the bands of the windows
before have held (adaptive conformal inference, Gibbs and Candes 2021).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    import pandas

LEVEL = 0.9
FEWEST_ERRORS = 20  # fewer say nothing about a tenth of the cases
PACE = 0.2  # of what a window misses too much, as the share outside follows it
LEAST_OUTSIDE, MOST_OUTSIDE = 0.01, 0.25
WARM = 4  # the first fourth of the windows only serves the bands of the others


@dataclass(frozen=True)
class Band:
    """`steps` has the mean error of each step; `low` and `high` multiply it."""

    level: float
    steps: tuple[float, ...]
    low: float
    high: float

    def around(
        self, forecast: numpy.ndarray, size: numpy.ndarray
    ) -> tuple[numpy.ndarray, numpy.ndarray]:
        """(lower, upper) of forecasts of shape (rows, steps); `size` is of each row's group."""
        import numpy

        unit = size[:, None] * numpy.asarray(self.steps)[None, :]
        return forecast + self.low * unit, forecast + self.high * unit

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def make_band(found: pandas.DataFrame, level: float = LEVEL) -> Band | None:
    """From the columns window, begin, end, step, y, forecast and size; None from too few errors."""
    outside, _ = _follow(found, level)
    return _band(found, level, outside)


def measure_band(found: pandas.DataFrame, level: float = LEVEL) -> dict[str, Any]:
    """The share of values inside bands that were made of earlier windows alone.

    The first half of the windows only serves the bands of the others.
    """
    _, tried = _follow(found, level)
    windows = sorted(found["window"].unique())
    measured = [one for one in tried if one.window >= windows[len(windows) // 2]]
    values = sum(one.values for one in measured)
    if not values:
        return {"level": level, "coverage": None, "values": 0, "width": None}
    held = sum(one.held for one in measured)
    width = sum(one.width for one in measured)
    return {"level": level, "coverage": held / values, "values": values, "width": width / values}


@dataclass(frozen=True)
class _Tried:
    """What the band of the windows before held of one window; `width` is the sum of all."""

    window: int
    values: int
    held: int
    width: float


def _follow(found: pandas.DataFrame, level: float) -> tuple[float, list[_Tried]]:
    """(the share that may lie outside after the last window, what each window's band held)."""
    outside = 1 - level
    tried = []
    windows = found.groupby("window")[["begin"]].first()
    for window, row in windows.iloc[len(windows) // WARM :].iterrows():
        band = _band(found[found["end"] < row["begin"]], level, outside)
        rows = found[found["window"] == window].dropna(subset=["y", "forecast"])
        if band is None or rows.empty:
            continue
        one = _try(band, int(window), rows)
        tried.append(one)
        missed = 1 - one.held / one.values
        outside = min(MOST_OUTSIDE, max(LEAST_OUTSIDE, outside + PACE * (1 - level - missed)))
    return outside, tried


def _try(band: Band, window: int, rows: pandas.DataFrame) -> _Tried:
    import numpy

    units = rows["size"] * numpy.asarray(band.steps)[rows["step"].to_numpy() - 1]
    lower = rows["forecast"] + band.low * units
    upper = rows["forecast"] + band.high * units
    held = int(rows["y"].between(lower, upper).sum())
    return _Tried(window, len(rows), held, float((upper - lower).sum()))


def _band(found: pandas.DataFrame, level: float, outside: float) -> Band | None:
    """With that share of the errors outside, half of it on each side."""
    import numpy

    rows = found.dropna(subset=["y", "forecast"])
    if len(rows) < FEWEST_ERRORS:
        return None
    errors = (rows["y"] - rows["forecast"]) / rows["size"]
    means = errors.abs().groupby(rows["step"]).mean()
    overall = float(errors.abs().mean()) or 1.0
    every = range(1, int(found["step"].max()) + 1)
    steps = tuple(float(means.get(step, overall)) or overall for step in every)
    units = numpy.asarray(steps)[rows["step"].to_numpy() - 1]
    relative = numpy.sort(errors.to_numpy() / units)
    return Band(level, steps, *_quantiles(relative, outside))


def _quantiles(ordered: numpy.ndarray, outside: float) -> tuple[float, float]:
    """The values beyond which half of that share lies, with the (n + 1) of conformal prediction."""
    beyond = max(1, math.floor(outside / 2 * (len(ordered) + 1)))
    return float(ordered[beyond - 1]), float(ordered[-beyond])
