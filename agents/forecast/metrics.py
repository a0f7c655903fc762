"""Forecasts beside what came -> MAE, RMSE, R², MASE and sMAPE, all and for each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

NAMES = ("mae", "rmse", "r2", "mase", "smape")


def measure(found: pandas.DataFrame, column: str = "forecast") -> dict[str, float | None]:
    """Of the columns y, `column` and scale; None where a figure has no meaning.

    MASE: the mean of |error| / scale, the scale being the mean error of the seasonal naive
    forecast in the history before (Hyndman and Koehler 2006). sMAPE is in 0 to 2.
    """
    import numpy

    rows = found.dropna(subset=[column, "y"])
    if rows.empty:
        return dict.fromkeys(NAMES)
    values = rows["y"].to_numpy()
    error = values - rows[column].to_numpy()
    size = numpy.abs(error)
    both = (numpy.abs(values) + numpy.abs(rows[column].to_numpy())) / 2
    symmetric = numpy.divide(size, both, out=numpy.zeros_like(size), where=both > 0)
    scaled = size / rows["scale"].to_numpy()
    variance = float(((values - values.mean()) ** 2).sum())
    return {
        "mae": _number(size.mean()),
        "rmse": _number(math.sqrt((error**2).mean())),
        "r2": _number(1 - (error**2).sum() / variance) if variance else None,
        "mase": _number(numpy.nanmean(scaled)) if not numpy.isnan(scaled).all() else None,
        "smape": _number(symmetric.mean()),
    }


def measure_steps(found: pandas.DataFrame, column: str = "forecast") -> list[dict[str, Any]]:
    """The same for each step, counted from 1."""
    steps = []
    for step, rows in found.groupby("step"):
        steps.append({"step": int(step), **measure(rows, column)})
    return steps


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
