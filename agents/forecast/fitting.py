"""A table -> a back-test, or a forecast that is kept with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from agents.forecast.backtest import BackTest, backtest
from agents.forecast.features import Seen, check_known, see
from agents.forecast.importance import important
from agents.forecast.layout import NEAREST, make_layout
from agents.forecast.models import fit_steps, usual_sizes
from agents.forecast.places import Place, read_place
from agents.forecast.presets import Preset
from agents.forecast.search import search_grid
from agents.forecast.series import Series, Wanted, read_series
from agents.forecast.shelf import Kept, check_name, keep
from agents.forecast.unusual import find_unusual
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.progress import Pace, Plan
from workbench.settings import Settings

if TYPE_CHECKING:
    import pandas

LONGEST_SEASON = 48  # steps of a horizon that nobody has named
MOST_STEPS = 400  # models of one forecast
NAMED = 50  # short groups that are kept by name
DRAWN = 200  # values before the end that a chart may need
LIBRARIES = ("mlforecast", "lightgbm", "statsforecast")

Reported = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Prepared:
    """Series without those that are too short; `short` has their lengths."""

    series: Series
    short: dict[str, int]
    preset: Preset
    horizon: int

    @property
    def window(self) -> int:
        """The values that a model needs before the first step."""
        return self.preset.window or NEAREST


class Reporter:
    """Gives lines of progress to a function, a few a second."""

    def __init__(self, report: Reported, stages: dict[str, float]) -> None:
        self._report = report
        self._plan = Plan(stages)
        self._pace = Pace()
        self._begun = time.monotonic()
        self._stage = ""
        self._stage_begun = self._begun

    def tell(self, stage: str, done: float, of: float) -> None:
        """How far a stage is."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_begun = stage, now
        if self._pace.is_due(last=done >= of or not done):
            line = {"event": "progress", "stage": stage, "done": done, "of": of}
            line |= {"seconds": round(now - self._stage_begun, 2)}
            line |= {"elapsed": round(now - self._begun, 2)}
            self._report(line | self._plan.place(stage))


def prepare(
    place: Place, wanted: Wanted, preset: Preset, horizon: int, settings: Settings
) -> Prepared:
    """Read the series and leave out groups shorter than window and steps together.

    Raises InvalidInput where none is left, and what reading the table raises.
    """
    columns = [*wanted.time.split("+"), wanted.target, *wanted.group]
    columns += [*wanted.known, *wanted.unknown]
    named = wanted.time and wanted.target
    table = read_place(place, settings, [name for name in columns if name] if named else ())
    return prepare_series(read_series(table, wanted), preset, horizon)


def prepare_series(series: Series, preset: Preset, horizon: int) -> Prepared:
    """The series that are long enough. Raises InvalidInput."""
    chosen = horizon or preset.horizon or min(series.rhythm.season, LONGEST_SEASON)
    if not 1 <= chosen <= MOST_STEPS:
        raise InvalidInput(
            say("A horizon of {steps} steps cannot be forecast.", steps=chosen),
            say("Use 1 to {most}, or longer steps (--every).", most=MOST_STEPS),
        )
    fewest = (preset.window or NEAREST) + chosen
    sizes = series.frame.groupby("unique_id").size()
    short = {str(name): int(size) for name, size in sizes.items() if size < fewest}
    if len(short) == len(sizes):
        raise InvalidInput(
            say(
                "Every group is too short: {fewest} moments are needed, the longest has {longest}.",
                fewest=fewest,
                longest=int(sizes.max()),
            ),
            "Take a longer history, a shorter --horizon, or fewer groups.",
        )
    kept = series.frame[~series.frame["unique_id"].isin(short)].reset_index(drop=True)
    return Prepared(replace(series, frame=kept), short, preset, chosen)


def run_backtest(prepared: Prepared, report: Reported, windows: int = 0) -> dict[str, Any]:
    """The figures of a back-test, as the command prints them."""
    reporter = Reporter(report, {"Settings": 1, "Back-test": 3, "Baselines": 1})
    tested, _, preset = _tested(prepared, reporter, windows)
    return tested.figures() | _about(prepared) | {"parameters": dict(preset.parameters)}


def fit_forecast(
    prepared: Prepared, place: Place, name: str, settings: Settings, report: Reported
) -> Kept:
    """Back-test, fit on the whole history, and keep the next version of that name."""
    check_name(name)
    begun = time.monotonic()
    reporter = Reporter(report, {"Settings": 1, "Back-test": 3, "Baselines": 1, "Fitting": 1})
    tested, seen, preset = _tested(prepared, reporter, 0)
    sizes = usual_sizes(prepared.series)
    done = 0

    def counted() -> None:
        nonlocal done
        done += 1
        reporter.tell("Fitting", done, prepared.horizon)

    end = int(seen.place.max()) + 1
    models = fit_steps(seen, sizes, preset, end, tested.form, counted)
    band = tested.band()
    card = {
        "name": name,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "preset": preset.name,
        "parameters": dict(preset.parameters),
        "rounds": preset.rounds,
        "horizon": prepared.horizon,
        "form": models.form,
        "layout": seen.layout.to_dict(),
        "sizes": sizes,
        "floor": 0.0 if prepared.series.frame["y"].min() >= 0 else None,
        "band": band.to_dict() if band else None,
        "backtest": tested.figures(),
        "important": important(models, seen),
        "unusual": find_unusual(prepared.series),
        "place": asdict(place),
        "wanted": asdict(prepared.series.wanted),
        "last": str(prepared.series.frame["ds"].max()),
        "libraries": {name: version(name) for name in LIBRARIES},
        "seconds": round(time.monotonic() - begun, 1),
        **_about(prepared),
    }
    return keep(settings, name, models, _newest(prepared.series, seen), card)


def _tested(prepared: Prepared, reporter: Reporter, windows: int) -> tuple[BackTest, Seen, Preset]:
    layout = make_layout(prepared.series, prepared.preset, prepared.horizon)
    reporter.tell("Settings", 0, 1)
    seen = see(prepared.series, layout)
    check_known(seen)
    sizes = usual_sizes(prepared.series)
    preset = search_grid(seen, sizes, prepared.preset, reporter.tell)
    return backtest(prepared.series, seen, preset, reporter.tell, windows), seen, preset


def _about(prepared: Prepared) -> dict[str, Any]:
    """What was read, and which groups were left out."""
    series = prepared.series
    named = dict(sorted(prepared.short.items())[:NAMED])
    return {
        "skipped_groups": len(prepared.short),
        "skipped": named,
        "fewest": prepared.window + prepared.horizon,
        "facts": series.facts,
        "rhythm": series.rhythm.freq,
        "season": series.rhythm.season,
    }


def _newest(series: Series, seen: Seen) -> pandas.DataFrame:
    """The values that the next forecast needs, and some more to draw; what is known ahead."""
    import pandas

    rows = seen.layout.reach + DRAWN
    newest = series.frame.groupby("unique_id").tail(rows)
    return pandas.concat([newest, series.ahead], ignore_index=True)
