"""`workbench finetune benchmarks`: what was measured, and two models side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors

if TYPE_CHECKING:
    from finetune.benchmark.comparing import Comparison, Pair
    from finetune.benchmark.kept import Measured
    from workbench.settings import Settings

SHOWN = 5  # questions of a comparison, of each task
LONG = 70  # characters of a question


@click.command()
@click.argument("models", nargs=-1)
@click.option("--compare", "pair", nargs=2, metavar="A B", help="Two models side by side.")
@json_option
@reports_errors
def benchmarks(models: tuple[str, ...], pair: tuple[str, str] | None, as_json: bool) -> None:
    """List the figures of models, or compare two on the tasks that both were measured on.

    A task is compared only where version, shots, template, way of answering and questions are the
    same.

    \b
    Example:
      workbench finetune benchmarks
      workbench finetune benchmarks --compare exam packaged:smollm2-135m
    """
    from finetune.benchmark.comparing import compare
    from workbench.settings import load_settings

    settings = load_settings()
    if pair:
        found = compare(*pair, settings)
        if as_json:
            print_json(_as_json(found))
        else:
            _print_comparison(found)
        return
    for measured in _figures(models, settings):
        if as_json:
            print_json(_row(measured))
        else:
            _print_row(measured)


def _figures(models: tuple[str, ...], settings: Settings) -> list[Measured]:
    from finetune.benchmark.comparing import all_figures, figures_of

    if models:
        return [one for model in models for one in figures_of(model, settings)]
    return all_figures(settings)


def _row(measured: Measured) -> dict[str, Any]:
    conditions = measured.conditions
    asked = {key: getattr(conditions, key) for key in ("task", "model", "shots", "template")}
    more = {"form": conditions.form, "version": conditions.version, "created": measured.created}
    return asked | more | measured.result


def _print_row(measured: Measured) -> None:
    conditions = measured.conditions
    how = f"{conditions.shots} shots, {conditions.template}, {conditions.form}"
    click.echo(f"{conditions.model:<24} {conditions.task:<48} {_words(measured)}  {how}")


def _words(measured: Measured) -> str:
    result = measured.result
    stderr = "" if result["stderr"] is None else f" ± {result['stderr']:.4f}"
    return f"{result['acc']:.4f}{stderr}"


def _as_json(found: Comparison) -> dict[str, Any]:
    first, second = found.names
    tasks = {pair.task: _pair_json(pair) for pair in found.pairs}
    return {
        "event": "done",
        "first": first,
        "second": second,
        "tasks": tasks,
        "refused": dict(found.refused),
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    paired = pair.paired
    return {
        "first": pair.first.result,
        "second": pair.second.result,
        "difference": round(paired.difference, 6),
        "interval": [round(end, 6) for end in paired.interval],
        "p": round(paired.p, 6),
        "differing": pair.differing(),
    }


def _print_comparison(found: Comparison) -> None:
    first, second = found.names
    width = max(len(pair.task) for pair in found.pairs)
    click.echo(f"{'':<{width}}  {first:<20} {second:<20} p (McNemar)")
    for pair in found.pairs:
        sides = f"{_words(pair.first):<20} {_words(pair.second):<20}"
        click.echo(f"{pair.task:<{width}}  {sides} {pair.paired.p:.4f}")
    for pair in found.pairs:
        _print_differing(pair, first, second)
    for task, reason in found.refused.items():
        click.secho(f"{task} is not compared: {reason}", fg="yellow")


def _print_differing(pair: Pair, first: str, second: str) -> None:
    differing = pair.differing()
    if not differing:
        return
    click.echo(f"\n{pair.task}: they differ on {len(differing)} questions.")
    for row in differing[:SHOWN]:
        question = " ".join(row["question"].split())[:LONG]
        chosen = f"{first}: {row['first'] or '–'}, {second}: {row['second'] or '–'}"
        click.echo(f"  {row['id']}. {question}\n     right: {row['gold']}; {chosen}")
