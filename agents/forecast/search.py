"""A preset's grid -> the preset with its best parameters, by folds in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from agents.forecast.features import Seen
from agents.forecast.forms import lesson
from agents.forecast.models import train
from agents.forecast.presets import Preset

if TYPE_CHECKING:
    import numpy


def search_grid(
    seen: Seen,
    sizes: Mapping[str, float],
    preset: Preset,
    told: Callable[[str, float, float], None],
) -> Preset:
    """The combination with the smallest mean absolute error over folds and steps.

    The folds are scikit-learn's TimeSeriesSplit over the moments, with a gap of the horizon, so
    that no value is learned from that a fold forecasts. The moments that the back-test will
    measure take no part. Without a grid the preset stays as it is.
    """
    import numpy
    from sklearn.model_selection import TimeSeriesSplit

    if not preset.grid:
        return preset
    from agents.forecast.backtest import choose_windows

    end = choose_windows(seen, preset.windows)[0]
    moments = numpy.arange(seen.place.min() + 1, end)
    horizon = seen.layout.horizon
    folds = min(preset.folds, max(1, len(moments) // (2 * horizon) - 1))
    combinations = [dict(zip(preset.grid, values, strict=True)) for values in _all(preset)]
    if folds < 2:
        return replace(preset, parameters={**preset.parameters, **combinations[0]})
    split = TimeSeriesSplit(folds, gap=horizon)
    of = len(combinations) * folds
    errors = [0.0] * len(combinations)
    done = 0
    form = preset.forms[0]
    lessons = [lesson(seen, step, form, sizes) for step in range(horizon)]
    for before, after in split.split(moments):
        for number, combination in enumerate(combinations):
            tried = replace(preset, parameters={**preset.parameters, **combination})
            for step, taught in enumerate(lessons):
                learned = _rows(seen, step, moments[before])
                asked = _rows(seen, step, moments[after])
                if len(learned) < 20 or not len(asked):
                    continue
                booster = train(taught, seen, step, tried, learned)
                late = taught.only(asked)
                forecast = late.forecast(booster.predict(late.inputs))
                error = numpy.abs(forecast - seen.targets[asked, step]) / late.size
                errors[number] += float(error.mean())
            done += 1
            told("Settings", done, of)
    best = combinations[int(numpy.argmin(errors))]
    return replace(preset, parameters={**preset.parameters, **best})


def _all(preset: Preset) -> list[tuple]:
    return list(product(*preset.grid.values()))


def _rows(seen: Seen, step: int, moments: numpy.ndarray) -> numpy.ndarray:
    """The rows whose value at this step is of one of these moments."""
    import numpy

    there = ~numpy.isnan(seen.targets[:, step]) & ~numpy.isnan(seen.lag(1))
    within = numpy.isin(seen.place + step, moments)
    return (within & there).nonzero()[0]
