"""`workbench finetune score`: how many questions of a data file a run answers exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.files import write_text

if TYPE_CHECKING:
    from finetune.evaluate.score import Prediction


@click.command()
@click.argument("run")
@click.option(
    "--data",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Questions.",
)
@click.option(
    "--only", multiple=True, metavar="COLUMN=VALUE", help="Take only rows with this value."
)
@click.option("--base", is_flag=True, help="Ask the base without the adapter.")
@click.option(
    "--limit", default=0, type=click.IntRange(0), help="Ask only the first rows; 0 asks all."
)
@click.option(
    "--batch", default=32, show_default=True, type=click.IntRange(1), help="Questions at once."
)
@click.option(
    "--pattern",
    default="",
    metavar="REGEX",
    help="Count the answers of this form, and those whose groups equal the right answer's.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write each question, reference and answer as JSON lines.",
)
@json_option
@reports_errors
def score(
    run: str,
    files: tuple[Path, ...],
    only: tuple[str, ...],
    base: bool,
    limit: int,
    batch: int,
    pattern: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Ask a run every question of a data file; count the exact answers and the words they share.

    Of multiple choice, the likeliest letters are counted too; with a pattern, the answers of that
    form: a house style, or a label whose group must be the right one.

    \b
    Example:
      workbench finetune score roles --data parts/eval.jsonl
    """
    from finetune.commands.data import parse_only
    from finetune.evaluate.score import score as measure
    from finetune.run.runs import find_run
    from workbench.settings import load_settings

    found = find_run(run, load_settings())
    measured = measure(
        found,
        files,
        only=parse_only(only),
        base=base,
        limit=limit,
        batch=batch,
        pattern=pattern,
        report=print_json if as_json else _show,
    )
    asked = [*(path.name for path in files), *only]
    if base:
        asked.append("base")
    found.add_score(" ".join(asked), measured.result)
    if out:
        write_text(out, "".join(_line(row) for row in measured.predictions))
    if as_json:
        print_json(measured.result)
    else:
        _print_result(measured.result)


def _line(row: Prediction) -> str:
    """One prediction as a line of JSON."""
    fields: dict[str, Any] = {
        "question": row.question,
        "reference": row.reference,
        "answer": row.answer,
        "exact": row.exact,
    }
    if row.letter:
        fields["letter"] = row.letter
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _print_result(result: dict[str, Any]) -> None:
    text = f"{result['rows']} questions, {result['exact']:.4f} answered exactly"
    text += f", {result['words']:.4f} of the words shared"
    if "form" in result:
        text += f", {result['form']:.4f} in the form of the pattern"
    if "groups" in result:
        text += f", {result['groups']:.4f} with the right groups"
    if "accuracy" in result:
        text += f", {result['accuracy']:.4f} of the options right"
    click.echo(text)


def _show(event: dict[str, Any]) -> None:
    if event["event"] == "warning":
        click.secho(f"Warning: {event['text']}", fg="yellow", err=True)
