"""Errors of a back-test -> the band around a forecast, and the share of values that it held.

Split conformal prediction (Vovk et al. 2005; Lei et al. 2018): the band is a quantile of errors on
moments that the models had not seen. Errors are divided by the usual size of their group and by the
mean error of their step, so that all of them serve every group and step. Each side has a quantile
of its own, because errors upwards and downwards differ.
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
    """From the columns step, y, forecast and size; None from too few errors."""
    import numpy

    rows = found.dropna(subset=["y", "forecast"])
    if len(rows) < FEWEST_ERRORS:
        return None
    errors = (rows["y"] - rows["forecast"]) / rows["size"]
    means = errors.abs().groupby(rows["step"]).mean()
    every = range(1, int(found["step"].max()) + 1)
    overall = float(errors.abs().mean())
    steps = tuple(float(means.get(step, overall)) or overall for step in every)
    units = rows["step"].map(dict(zip(every, steps, strict=True)))
    relative = numpy.sort((errors / units.where(units > 0, 1.0)).to_numpy())
    outside = (1 - level) / 2
    return Band(level, steps, _quantile(relative, outside, -1), _quantile(relative, outside, 1))


def _quantile(ordered: numpy.ndarray, outside: float, side: int) -> float:
    """The value beyond which that share lies, with the (n + 1) of conformal prediction."""
    beyond = max(1, math.floor(outside * (len(ordered) + 1)))
    return float(ordered[-beyond] if side > 0 else ordered[beyond - 1])


def measure_band(found: pandas.DataFrame, level: float = LEVEL) -> dict[str, Any]:
    """The share of values inside bands that were made of earlier windows alone.

    The first half of the windows only serves the bands of the others. `found` has the columns
    window, begin and end (numbers of moments), step, y, forecast and size.
    """
    windows = found.groupby("window")[["begin", "end"]].first()
    held = asked = 0
    width = 0.0
    for window, spans in windows.iloc[len(windows) // 2 :].iterrows():
        known = found[found["end"] < spans["begin"]]
        band = make_band(known, level) if len(known) else None
        rows = found[found["window"] == window].dropna(subset=["y", "forecast"])
        if band is None or rows.empty:
            continue
        units = rows["size"] * rows["step"].map(lambda step, band=band: band.steps[step - 1])
        lower = rows["forecast"] + band.low * units
        upper = rows["forecast"] + band.high * units
        held += int(rows["y"].between(lower, upper).sum())
        asked += len(rows)
        width += float((upper - lower).sum())
    if not asked:
        return {"level": level, "coverage": None, "values": 0, "width": None}
    return {"level": level, "coverage": held / asked, "values": asked, "width": width / asked}
