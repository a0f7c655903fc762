"""`workbench finetune score`: how many questions of a data file a run answers exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors


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
    out: Path | None,
    as_json: bool,
) -> None:
    """Ask a run every question of a data file and count the exact answers; of options also the likeliest letters.

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
        report=print_json if as_json else _show,
    )
    name = " ".join([*(path.name for path in files), *only, *(["base"] if base else [])])
    found.add_score(name, measured.result)
    if out:
        rows = [
            {
                "question": row.question,
                "reference": row.reference,
                "answer": row.answer,
                "exact": row.exact,
            }
            | ({"letter": row.letter} if row.letter else {})
            for row in measured.predictions
        ]
        out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    if as_json:
        print_json(measured.result)
    else:
        result = measured.result
        letters = f", {result['accuracy']:.4f} of the options right" if "accuracy" in result else ""
        click.echo(f"{result['rows']} questions, {result['exact']:.4f} answered exactly{letters}")


def _show(event: dict[str, Any]) -> None:
    if event["event"] == "warning":
        click.secho(f"Warning: {event['text']}", fg="yellow", err=True)
