"""`workbench forecast backtest | fit`, and the places of the other subcommands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from agents.forecast.commands.shown import show_figures
from agents.forecast.presets import PRESETS
from workbench.cli import LazyCommands, json_option, print_json, reports_errors
from workbench.errors import Stopped
from workbench.settings import load_settings
from workbench.stopping import stops_cleanly

if TYPE_CHECKING:
    from agents.forecast.fitting import Prepared
    from agents.forecast.places import Place

AGAIN = "Run the same command again."
ELSEWHERE = {
    "predict": ("agents.forecast.commands.kept:predict", "Forecast the next steps, with a band."),
    "list": ("agents.forecast.commands.kept:list_", "List the forecasts and their versions."),
    "show": ("agents.forecast.commands.kept:show", "Show how good a forecast is, and why."),
    "promote": ("agents.forecast.commands.kept:promote", "Let an older version answer."),
    "remove": ("agents.forecast.commands.kept:remove", "Delete a forecast or one version."),
}


@click.group(cls=LazyCommands, commands_by_name=ELSEWHERE)
def forecast() -> None:
    """Forecast series of numbers: measure on the past, fit, predict."""


def series_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which columns of a table are the series."""
    options = [
        click.argument("place", metavar="SOURCE|FILE"),
        click.option("--time", default="", help="Column of moments; DAY+HOUR names two of them."),
        click.option("--target", default="", help="Column of the numbers to forecast."),
        click.option("--group", multiple=True, help="Column that tells series apart; repeatable."),
        click.option("--known", multiple=True, help="Further column that is known ahead."),
        click.option("--unknown", multiple=True, help="Further column that is known afterwards."),
        click.option("--table", default="", help="Table of the source, or sheet of the file."),
        click.option("--query", default="", help="One SELECT that gives the table."),
        click.option("--every", default="", help="Steps: 15min, h, D, W, M, Q or Y; else found."),
        click.option(
            "--repeats",
            type=click.Choice(["sum", "mean"]),
            default="sum",
            show_default=True,
            help="What several rows of one moment become.",
        ),
        click.option(
            "--gaps",
            type=click.Choice(["past", "zero"]),
            default="past",
            show_default=True,
            help="What a missing moment becomes: the value a season before, or zero.",
        ),
        click.option(
            "--horizon",
            type=click.IntRange(1),
            default=None,
            help="Steps ahead; the preset's, or one season.",
        ),
        click.option(
            "--preset", type=click.Choice(list(PRESETS)), default="quick", show_default=True
        ),
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@forecast.command()
@series_options
@click.option("--windows", default=0, type=click.IntRange(0), help="Origins; else as many as fit.")
@reports_errors
def backtest(place: str, windows: int, as_json: bool, **chosen: Any) -> None:
    """Measure how well the past would have been forecast, beside two simple methods.

    \b
    Example:
      workbench forecast backtest sales.csv --time day --target sold --group shop --horizon 7
    """
    from agents.forecast.fitting import run_backtest

    with stops_cleanly(Stopped("Cancelled; a back-test keeps nothing.", AGAIN), as_json):
        prepared, _ = _prepare(place, chosen)
        figures = run_backtest(prepared, _reporter(as_json), windows)
    if as_json:
        print_json({"event": "done", **figures})
    else:
        show_figures(figures)


@forecast.command()
@series_options
@click.option("--name", default="", help="Name of the forecast; else made from its columns.")
@reports_errors
def fit(place: str, name: str, as_json: bool, **chosen: Any) -> None:
    """Measure on the past, fit on all of it, and keep the models as a new version.

    \b
    Example:
      workbench forecast fit advertising --table activations --target count --horizon 3
    """
    from agents.forecast.fitting import fit_forecast

    with stops_cleanly(Stopped("Cancelled; nothing was kept.", AGAIN), as_json):
        prepared, found = _prepare(place, chosen)
        named = name or _make_name(found, prepared)
        kept = fit_forecast(prepared, found, named, load_settings(), _reporter(as_json))
    if as_json:
        about = {"name": kept.name, "version": kept.version, "folder": str(kept.folder)}
        about["skipped_groups"] = kept.card["skipped_groups"]
        print_json({"event": "done", **about, **kept.card["backtest"]})
    else:
        show_figures(kept.card["backtest"] | kept.card)
        click.echo(f"Kept {kept.name}, version {kept.version}: {kept.folder}")
        click.echo(f"Use it: workbench forecast predict {kept.name}")


def _prepare(place: str, chosen: dict[str, Any]) -> tuple[Prepared, Place]:
    """The series as the options say."""
    from agents.forecast.fitting import prepare
    from agents.forecast.places import find_place
    from agents.forecast.presets import find_preset
    from agents.forecast.series import Wanted

    found = find_place(load_settings(), place, chosen["table"], chosen["query"])
    wanted = Wanted(
        time=chosen["time"],
        target=chosen["target"],
        group=chosen["group"],
        known=chosen["known"],
        unknown=chosen["unknown"],
        every=chosen["every"],
        repeats=chosen["repeats"],
        gaps=chosen["gaps"],
    )
    preset = find_preset(chosen["preset"])
    horizon = chosen["horizon"] or 0
    return prepare(found, wanted, preset, horizon, load_settings()), found


def _make_name(place: Place, prepared: Prepared) -> str:
    import re
    from pathlib import Path

    origin = Path(place.file).stem if place.file else place.source
    target = prepared.series.facts["target"]
    return re.sub(r"\W+", "-", f"{origin}-{target}")[:80].strip("-") or "forecast"


def _reporter(as_json: bool) -> Callable[[dict[str, Any]], None]:
    return print_json if as_json else _show_progress


def _show_progress(line: dict[str, Any]) -> None:
    if line["done"] in (0, line["of"]):
        click.echo(f"{line['stage']}: {line['done']}/{line['of']}", err=True)
