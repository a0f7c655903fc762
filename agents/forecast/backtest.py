"""Series -> how well the past would have been forecast: rolling origins, beside the baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from agents.forecast import baselines
from agents.forecast.features import Seen
from agents.forecast.intervals import LEVEL, Band, make_band, measure_band
from agents.forecast.metrics import measure, measure_steps
from agents.forecast.models import fit_steps, usual_sizes
from agents.forecast.presets import Preset

if TYPE_CHECKING:
    import numpy
    import pandas

    from agents.forecast.series import Series

TESTED = 0.3  # the newest share of the history at most
FEWEST_WINDOWS = 24  # with a shorter history the windows overlap
MOST_ERRORS = 200_000  # of all groups, windows and steps: more take memory and tell no more

Told = Callable[[str, float, float], None]  # stage, done, of


@dataclass(frozen=True)
class BackTest:
    """`found` has a row for each group, window and step: y, forecast, naive, ets, scale, size."""

    found: pandas.DataFrame
    form: str

    def band(self, level: float = LEVEL) -> Band | None:
        """The band that all errors give."""
        return make_band(self.found, level)

    def figures(self, level: float = LEVEL) -> dict[str, Any]:
        """Errors of the models and of the baselines, all and for each step, and the coverage."""
        compared = self.found.dropna(subset=["ets"])
        ets: dict[str, Any] = {
            "groups": int(compared["unique_id"].nunique()),
            "steps": measure_steps(compared, "ets"),
            "model_mase": measure(compared)["mase"],
        }
        return {
            "steps": measure_steps(self.found),
            "all": measure(self.found),
            "baselines": {
                "seasonal_naive": {
                    **measure(self.found, "naive"),
                    "steps": measure_steps(self.found, "naive"),
                },
                "ets": {**measure(compared, "ets"), **ets},
            },
            "interval": measure_band(self.found, level),
            "windows": int(self.found["window"].nunique()),
            "groups": int(self.found["unique_id"].nunique()),
            "form": self.form,
            "usual": float(self.found["y"].abs().mean()),
        }


def backtest(series: Series, seen: Seen, preset: Preset, told: Told, windows: int = 0) -> BackTest:
    """Forecast the newest windows by models that were fitted before them.

    The models are fitted `preset.fits` times on the way. Raises InvalidInput for a history that
    is too short.
    """
    begins = choose_windows(seen, windows or preset.windows)
    fits = min(preset.fits, len(begins))
    horizon = seen.layout.horizon
    of = fits * horizon
    parts = []
    form = ""
    done = 0

    def counted() -> None:
        nonlocal done
        done += 1
        told("Back-test", done, of)

    first = seen.grid[begins[0]]
    sizes = usual_sizes(series, first)
    scales = seasonal_scales(series, first)
    for chunk in _chunks(begins, fits):
        models = fit_steps(seen, sizes, preset, chunk[0], form, counted)
        form = models.form
        for begin in chunk:
            rows = _rows_at(seen, begin)
            if len(rows):
                forecast = models.forecast(seen, rows)
                parts.append(_window(seen, begins.index(begin), rows, forecast, sizes, scales))
    told("Baselines", 0, 1)
    found = _joined(parts, series, [seen.grid[begin] for begin in begins], horizon)
    told("Baselines", 1, 1)
    return BackTest(found, form)


def choose_windows(seen: Seen, wanted: int) -> list[int]:
    """The numbers of the moments at which the windows begin, oldest first."""
    horizon = seen.layout.horizon
    last = int(seen.place.max())  # the moment after the end
    span = max(horizon, int(TESTED * last))
    step = horizon
    if span // horizon < FEWEST_WINDOWS:
        step = max(1, (span - horizon) // (FEWEST_WINDOWS - 1))
    fitting = MOST_ERRORS // (len(seen.last) * horizon)
    count = min(wanted, 1 + (span - horizon) // step, max(FEWEST_WINDOWS, fitting))
    newest = last - horizon
    return [newest - number * step for number in range(count)][::-1]


def _chunks(begins: Sequence[int], fits: int) -> list[Sequence[int]]:
    """The windows in that many parts of equal length."""
    borders = [len(begins) * number // fits for number in range(fits + 1)]
    return [begins[start:end] for start, end in pairwise(borders)]


def _rows_at(seen: Seen, begin: int) -> numpy.ndarray:
    """The groups that have a value before that moment and one to compare with after it."""
    import numpy

    there = ~numpy.isnan(seen.targets).all(axis=1) & ~numpy.isnan(seen.lag(1))
    return ((seen.place == begin) & there).nonzero()[0]


def _window(
    seen: Seen,
    number: int,
    rows: numpy.ndarray,
    forecast: numpy.ndarray,
    sizes: dict[str, float],
    scales: dict[str, float],
) -> pandas.DataFrame:
    """One window's rows."""
    import numpy
    import pandas

    horizon = seen.layout.horizon
    names = seen.rows["unique_id"].iloc[rows]
    begin = int(seen.place[rows[0]])
    return pandas.DataFrame(
        {
            "unique_id": numpy.repeat(names.to_numpy(), horizon),
            "window": number,
            "begin": begin,
            "end": begin + horizon - 1,
            "step": numpy.tile(numpy.arange(1, horizon + 1), len(rows)),
            "y": seen.targets[rows].ravel(),
            "forecast": forecast.ravel(),
            "naive": baselines.seasonal_naive(seen, rows).ravel(),
            "size": numpy.repeat(names.map(sizes).fillna(1.0).to_numpy(), horizon),
            "scale": numpy.repeat(names.map(scales).to_numpy(dtype="float64"), horizon),
        }
    )


def _joined(
    parts: list[pandas.DataFrame],
    series: Series,
    origins: list[pandas.Timestamp],
    horizon: int,
) -> pandas.DataFrame:
    """All windows, with the forecasts of ETS beside."""
    import pandas

    found = pandas.concat(parts, ignore_index=True)
    smoothed = baselines.ets(series, origins, horizon)
    numbers = {moment: number for number, moment in enumerate(origins)}
    smoothed["window"] = smoothed["begin"].map(numbers)
    smoothed = smoothed.drop(columns="begin")
    return found.merge(smoothed, on=["unique_id", "window", "step"], how="left")


def seasonal_scales(series: Series, before: Any) -> dict[str, float]:
    """Group -> the mean error of the seasonal naive forecast in its history before a moment.

    Missing where a group has none, or never changes.
    """
    frame = series.frame[series.frame["ds"] < before]
    scales = _mean_step(frame, series.rhythm.season)
    nearest = _mean_step(frame, 1)
    return {
        str(name): float(scales[name] if scales[name] > 0 else nearest[name])
        for name in scales.index
        if scales[name] > 0 or nearest[name] > 0
    }


def _mean_step(frame: pandas.DataFrame, season: int) -> pandas.Series:
    steps = frame.groupby("unique_id")["y"].diff(season).abs()
    return steps.groupby(frame["unique_id"]).mean()
