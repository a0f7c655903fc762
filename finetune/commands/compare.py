"""`workbench finetune compare`: the settings in which runs differ, and what came of each."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import InvalidInput

NONE = "-"  # in place of a value that a run does not have
LONGEST = 32  # characters of a value in the table


@click.command()
@click.argument("runs", nargs=-1, required=True)
@json_option
@reports_errors
def compare(runs: tuple[str, ...], as_json: bool) -> None:
    """Show the settings in which runs differ, and the losses and scores of each.

    \b
    Example:
      workbench finetune compare support support-2
    """
    from finetune.run.comparing import compare as look
    from finetune.run.runs import find_run
    from workbench.settings import load_settings

    if len(set(runs)) < 2:
        raise InvalidInput(
            "One run cannot be compared.",
            "Name two or more; list them with: workbench finetune runs",
        )
    settings = load_settings()
    found = look([find_run(name, settings) for name in dict.fromkeys(runs)])
    if as_json:
        print_json({"event": "done", **found.as_json()})
        return
    if not found.settings:
        click.echo("The settings are the same.")
    rows = [["", *found.runs]]
    for table in (found.settings, found.results):
        rows += [[key, *map(_shown, values)] for key, values in table.items()]
    _print(rows)


def _shown(value: Any) -> str:
    if value in (None, "", []):
        return NONE
    if isinstance(value, float):
        return f"{value:.4g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _print(rows: list[list[str]]) -> None:
    """The rows with their columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())
