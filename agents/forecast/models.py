"""What is seen -> one LightGBM model for each step, and their forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.forecast.features import PURPOSE, Seen
from agents.forecast.forms import Lesson, lesson
from agents.forecast.presets import PARAMETERS, Preset
from workbench.errors import InvalidInput
from workbench.extras import require

if TYPE_CHECKING:
    import numpy

    from agents.forecast.series import Series

FEWEST = 8  # rows that a model can be fitted on
HELD_OUT = 0.2  # the newest share of the rows, by which a form is chosen
TRIED_STEPS = 3  # of the horizon, when forms are compared

Counted = Callable[[], None]  # called when one more model is fitted


@dataclass(frozen=True)
class StepModels:
    """`boosters` has one model for each step, `sizes` what each group's values are divided by."""

    form: str
    boosters: Sequence[Any]
    sizes: Mapping[str, float]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def forecast(self, seen: Seen, rows: numpy.ndarray) -> numpy.ndarray:
        """Shape (rows, steps): the forecasts made at these rows."""
        import numpy

        found = []
        for step, booster in enumerate(self.boosters):
            taught = lesson(_only(seen, rows), step, self.form, self.sizes)
            found.append(taught.forecast(booster.predict(taught.inputs)))
        return numpy.column_stack(found)


def usual_sizes(series: Series, before: Any = None) -> dict[str, float]:
    """Group -> the mean of its absolute values before a moment; 1 where that is nothing."""
    frame = series.frame
    if before is not None:
        frame = frame[frame["ds"] < before]
    means = frame["y"].abs().groupby(frame["unique_id"]).mean()
    return {str(name): float(mean) if mean > 0 else 1.0 for name, mean in means.items()}


def fit_steps(
    seen: Seen,
    sizes: Mapping[str, float],
    preset: Preset,
    end: int,
    form: str = "",
    counted: Counted = lambda: None,
) -> StepModels:
    """Models that have seen nothing of the moment number `end` and later. Raises InvalidInput."""
    form = form or _best_form(seen, sizes, preset, end)
    boosters = []
    for step in range(seen.layout.horizon):
        taught = lesson(seen, step, form, sizes)
        boosters.append(train(taught, seen, step, preset, _known_before(seen, step, end)))
        counted()
    return StepModels(form, boosters, sizes, preset.parameters)


def _known_before(seen: Seen, step: int, end: int) -> numpy.ndarray:
    """The rows whose value at this step is known before the moment number `end`."""
    import numpy

    known = seen.place + step < end
    there = ~numpy.isnan(seen.targets[:, step]) & ~numpy.isnan(seen.lag(1))
    return (known & there).nonzero()[0]


def train(taught: Lesson, seen: Seen, step: int, preset: Preset, rows: numpy.ndarray) -> Any:
    """One booster. Raises InvalidInput where there are too few rows."""
    require("lightgbm", "forecast", PURPOSE)
    import lightgbm

    if len(rows) < FEWEST:
        raise InvalidInput(
            "The history is too short to learn from.",
            "Take a longer history, a shorter horizon or shorter steps (--every).",
        )
    known = taught.only(rows)
    learned = known.learned(seen.targets[rows, step])
    data = lightgbm.Dataset(known.inputs, learned, feature_name=_column_names(known.names))
    parameters = {**PARAMETERS, **preset.parameters}
    # few rows must still be split
    smallest = parameters.get("min_data_in_leaf", 20)
    parameters["min_data_in_leaf"] = max(1, min(smallest, len(rows) // 10))
    return lightgbm.train(parameters, data, num_boost_round=preset.rounds)


def _column_names(names: Sequence[str]) -> list[str]:
    """LightGBM takes no spaces or signs of JSON in a name, and a person's column may have them."""
    return [f"f{number}" for number in range(len(names))]


def _best_form(seen: Seen, sizes: Mapping[str, float], preset: Preset, end: int) -> str:
    """The form with the smallest error on the newest rows before `end`, at a few steps."""
    import numpy

    if len(preset.forms) < 2:
        return preset.forms[0]
    last = seen.layout.horizon - 1
    steps = sorted({0, last // 2, last})[:TRIED_STEPS]
    errors = dict.fromkeys(preset.forms, 0.0)
    for step in steps:
        rows = _known_before(seen, step, end)
        border = int(numpy.quantile(seen.place[rows], 1 - HELD_OUT)) if len(rows) else 0
        early = rows[seen.place[rows] + step < border]
        late = rows[seen.place[rows] >= border]
        if len(early) < FEWEST or not len(late):
            continue
        for form in preset.forms:
            taught = lesson(seen, step, form, sizes)
            booster = train(taught, seen, step, preset, early)
            asked = taught.only(late)
            forecast = asked.forecast(booster.predict(asked.inputs))
            error = numpy.abs(forecast - seen.targets[late, step]) / asked.size
            errors[form] += float(error.mean())
    return min(errors, key=errors.__getitem__)


def _only(seen: Seen, rows: numpy.ndarray) -> Seen:
    """The same, of some rows."""
    further = {name: values[rows] for name, values in seen.further.items()}
    return Seen(
        seen.layout, seen.rows.iloc[rows], seen.grid, seen.place[rows], seen.targets[rows], further
    )
