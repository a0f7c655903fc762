"""Several runs -> the settings in which they differ, what came of each, and their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.run.metrics import Points, points_of, read_metrics, smooth
from finetune.run.runs import Run
from finetune.tasks import TASKS

Table = dict[str, list[Any]]
# of metrics.jsonl, in the order in which a page offers them
CURVES = (
    *("eval_loss", "loss", "perplexity", "perplexity_per_character"),
    *("eval_margin", "eval_accuracy"),
)
DIGITS = 12  # of a sha256: enough to tell data sets apart
SMOOTHED = ("loss",)  # one value a step is too restless to compare
RESULTS = ("step", "steps", "loss", "eval_loss", "seconds")  # of the card


@dataclass(frozen=True)
class Comparison:
    """Tables have a value for each run, in the order of `runs`; None where a run has none.

    `settings` are those that differ. `curves` are curve -> run -> points.
    """

    runs: list[str]
    settings: Table
    results: Table
    curves: dict[str, dict[str, Points]]

    def as_json(self) -> dict[str, Any]:
        """The same as plain data, without the curves' points."""
        return {"runs": self.runs, "settings": self.settings, "results": self.results}


def compare(runs: Sequence[Run]) -> Comparison:
    """Compare the runs. Raises ConfigProblems for a run file that cannot be read."""
    settings = _table([_settings(run) for run in runs])
    differing = {key: values for key, values in settings.items() if _differ(values)}
    return Comparison(
        runs=[run.name for run in runs],
        settings=differing,
        results=_table([_results(run) for run in runs]),
        curves=_curves(runs),
    )


def _settings(run: Run) -> dict[str, Any]:
    """Every setting by its place in the run file, and the data by its hash."""
    config = run.config()
    values = config.model_dump(mode="json", exclude={"name"})
    section = TASKS[config.task].section
    if section:
        values[section] = config.task_settings.model_dump(mode="json")
    settings = _flat(values)
    data = run.card.get("data", {})
    for name in ("train", "eval"):
        settings[f"data.{name}.sha256"] = data.get(name, {}).get("sha256", "")[:DIGITS]
    return settings


def _results(run: Run) -> dict[str, Any]:
    """What the card says of the training: losses, what was measured, scores."""
    card = run.card
    found = {key: card[key] for key in RESULTS if key in card}
    found |= {key: value for key, value in card.get("measured", {}).items() if key != "step"}
    for name, score in card.get("scores", {}).items():
        for key, value in score.items():
            if isinstance(value, float):
                found[f"{name}: {key}"] = value
    return found


def _curves(runs: Sequence[Run]) -> dict[str, dict[str, Points]]:
    rows = {run.name: read_metrics(run.metrics) for run in runs}
    found: dict[str, dict[str, Points]] = {}
    for key in CURVES:
        lines = {name: points_of(measured, key) for name, measured in rows.items()}
        lines = {name: points for name, points in lines.items() if points}
        if key in SMOOTHED:
            lines = {name: _smoothed(points) for name, points in lines.items()}
        if lines:
            found[key] = lines
    return found


def _smoothed(points: Points) -> Points:
    averages = smooth([value for _, value in points])
    return [(step, average) for (step, _), average in zip(points, averages, strict=True)]


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """{"training": {"batch": 8}} -> {"training.batch": 8}."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        place = f"{before}{key}"
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{place}.")
        elif value is not None:
            found[place] = value
    return found


def _table(columns: Sequence[Mapping[str, Any]]) -> Table:
    """Every key of any column, in the order in which it comes, with a value for each column."""
    keys: dict[str, None] = {}
    for column in columns:
        keys |= dict.fromkeys(column)
    return {key: [column.get(key) for column in columns] for key in keys}


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values[1:])
