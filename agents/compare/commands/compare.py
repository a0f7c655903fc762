"""`workbench compare list | show | report`, and the places of the other subcommands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli import LazyCommands, json_option, print_json, reports_errors
from workbench.settings import load_settings

# subcommands that other files hold: name -> (place, help); the place is imported when it is called
ELSEWHERE = {
    "run": (
        "agents.compare.commands.run:run",
        "Ask every arm the same questions, and say which is better.",
    ),
    "questions": (
        "agents.compare.commands.questions:questions",
        "Make a file of questions with their right answers.",
    ),
}
SHOWN = 200  # characters of an answer on the terminal


@click.group(cls=LazyCommands, commands_by_name=ELSEWHERE)
def compare() -> None:
    """Compare base, documents and tuning on the same questions."""


@compare.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """All comparisons, the newest first. Example: workbench compare list"""
    from agents.compare.kept import list_comparisons

    for comparison in list_comparisons(load_settings()):
        result = comparison.result
        if as_json:
            print_json({"name": comparison.name, "finished": comparison.finished, "result": result})
        else:
            click.echo(f"{comparison.name}  {result.get('verdict', 'not finished')}")


@compare.command()
@click.argument("name")
@click.option(
    "--where",
    type=click.Choice(["all", "differ", "all-fail"]),
    default="all",
    show_default=True,
    help="Only questions where the arms differ, or where all fail.",
)
@json_option
@reports_errors
def show(name: str, where: str, as_json: bool) -> None:
    """The questions of a comparison with every arm's answer.

    \b
    Example:
      workbench compare show handbook --where differ
    """
    from agents.compare.kept import find_comparison
    from agents.compare.matrix import rows_where

    comparison = find_comparison(name, load_settings())
    for row in rows_where(comparison, where):
        if as_json:
            print_json({**row.question, "answers": row.answers})
            continue
        click.secho(f"{row.question['id']}  {row.question['question']}", bold=True)
        click.echo(f"   should be: {_short(row.question['answer'])}")
        for arm, answer in row.answers.items():
            mark = "right" if answer["correct"] else "wrong"
            click.echo(f"   {arm} ({mark}): {_short(answer['failed'] or answer['text'])}")
    if not as_json and comparison.finished:
        click.echo(f"\n{comparison.result['verdict']}")


@compare.command()
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="Write one HTML page.")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="Write a table of answers.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--replace", is_flag=True, help="Write over an existing file.")
@reports_errors
def report(name: str, out: Path | None, table: Path | None, language: str, replace: bool) -> None:
    """A comparison as one HTML page to hand on, or as a table for a spreadsheet.

    \b
    Example:
      workbench compare report handbook --out handbook.html --csv handbook.csv
    """
    from agents.compare.kept import find_comparison
    from agents.compare.report import html_report
    from agents.compare.table import csv_table
    from workbench.errors import Conflict, InvalidInput
    from workbench.files import writing
    from workbench.messages import say

    comparison = find_comparison(name, load_settings())
    if not out and not table:
        raise InvalidInput("There is nothing to write.", "Give --out FILE.html or --csv FILE.csv.")
    made: list[tuple[Path, Any]] = []
    if out:
        made.append((out, html_report))
    if table:
        made.append((table, csv_table))
    for path, make in made:
        if path.exists() and not replace:
            raise Conflict(
                say("{path} exists already.", path=path), "Give another name, or --replace."
            )
        with writing(path) as part:
            part.write_bytes(make(comparison, language))
        click.echo(str(path))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
