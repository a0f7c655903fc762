"""`workbench forecast predict | list | show | promote | remove`: what to do with kept forecasts."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings

version_option = click.option(
    "--version", default=0, type=click.IntRange(0), help="A version, else the current one."
)


@click.command()
@click.argument("name")
@version_option
@click.option("--from", "place", default="", metavar="SOURCE|FILE", help="Another table to read.")
@click.option("--table", default="", help="Table of that source, or sheet of that file.")
@click.option("--query", default="", help="One SELECT that gives that table.")
@click.option("--steps", default=0, type=click.IntRange(0), help="Fewer steps than it can.")
@json_option
@reports_errors
def predict(
    name: str, version: int, place: str, table: str, query: str, steps: int, as_json: bool
) -> None:
    """Forecast the next steps from the newest values of its table, with a band around each.

    Where the table is gone, the values of the day of fitting are used, which is said.

    \b
    Example:
      workbench forecast predict advertising-count --json
    """
    from agents.forecast.places import find_place
    from agents.forecast.predicting import COLUMNS
    from agents.forecast.predicting import predict as forecast
    from agents.forecast.shelf import find_forecast

    settings = load_settings()
    kept = find_forecast(settings, name, version)
    newest = find_place(settings, place, table, query) if place else None
    found = forecast(kept, settings, newest, steps)
    band = kept.band
    if as_json:
        about: dict[str, Any] = {"name": name, "version": kept.version, "kept": found.kept}
        about["level"] = band.level if band else None
        print_json({"columns": list(COLUMNS), "rows": found.rows(), **about})
        return
    if found.kept:
        click.echo(f"{found.kept} The values of the day of fitting are used.", err=True)
    click.echo("\t".join(COLUMNS))
    for row in found.rows():
        click.echo("\t".join("" if value is None else str(value) for value in row))


@click.command("list")
@json_option
@reports_errors
def list_(as_json: bool) -> None:
    """List the forecasts: versions, horizon, error beside the seasonal naive forecast.

    \b
    Example:
      workbench forecast list
    """
    from agents.forecast.shelf import list_forecasts, versions_of

    settings = load_settings()
    found = list(list_forecasts(settings))
    for kept in found:
        versions = versions_of(settings, kept.name)
        figures = kept.card["backtest"]
        mase = figures["all"]["mase"]
        naive = figures["baselines"]["seasonal_naive"]["mase"]
        if as_json:
            about = {"name": kept.name, "version": kept.version, "versions": versions}
            about |= {"horizon": kept.card["horizon"], "rhythm": kept.card["rhythm"]}
            print_json(about | {"mase": mase, "naive_mase": naive, "created": kept.card["created"]})
        else:
            errors = "" if mase is None else f"MASE {mase:.3f} (naive {naive:.3f})"
            steps = f"{kept.card['horizon']} x {kept.card['rhythm']}"
            click.echo(f"{kept.name:<32} v{kept.version} of {len(versions)}  {steps:<10} {errors}")
    if not found and not as_json:
        click.echo("No forecast yet. Fit one: workbench forecast fit SOURCE|FILE --target COLUMN")


@click.command()
@click.argument("name")
@version_option
@json_option
@reports_errors
def show(name: str, version: int, as_json: bool) -> None:
    """Show a forecast's back-test, its ten most important features, and unusual values.

    \b
    Example:
      workbench forecast show advertising-count
    """
    from agents.forecast.commands.shown import show_figures
    from agents.forecast.shelf import find_forecast

    kept = find_forecast(load_settings(), name, version)
    if as_json:
        print_json(kept.card)
        return
    show_figures(kept.card["backtest"] | kept.card)
    for feature in kept.card["important"]:
        click.echo(f"{feature['share']:>6.1%}  {feature['feature']}")
    for mark in kept.card["unusual"]:
        click.echo(f"{mark['kind']}  {mark['ds']}  {mark['group']}  {mark['value']:g}")


@click.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@json_option
@reports_errors
def promote(name: str, version: int, as_json: bool) -> None:
    """Let that version answer from now on.

    \b
    Example:
      workbench forecast promote advertising-count 1
    """
    from agents.forecast.shelf import promote as promote_version

    kept = promote_version(load_settings(), name, version)
    if as_json:
        print_json({"name": name, "version": kept.version})
    else:
        click.echo(f"{name} answers with version {kept.version}")


@click.command()
@click.argument("name")
@version_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@reports_errors
def remove(name: str, version: int, yes: bool, as_json: bool) -> None:
    """Delete a forecast with all its versions, or one version; its table stays as it is.

    \b
    Example:
      workbench forecast remove advertising-count --yes
    """
    from agents.forecast.shelf import find_forecast, remove_forecast

    settings = load_settings()
    find_forecast(settings, name, version)
    what = f"version {version} of {name}" if version else f"{name} with all its versions"
    if not yes and not click.confirm(f"Delete {what}?"):
        return
    remove_forecast(settings, name, version)
    if as_json:
        print_json({"removed": name, "version": version})
    else:
        click.echo(f"Removed {what}")
