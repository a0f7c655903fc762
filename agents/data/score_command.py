"""`workbench data score`: questions with their right queries -> how often the writer is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings

if TYPE_CHECKING:
    from agents.data.accuracy import Measured

VERDICTS = ("right", "declined", "wrong")


@click.command()
@click.argument("name")
@click.option(
    "--data",
    "file",
    required=True,
    type=click.Path(path_type=Path),
    help="Pairs as `questions` writes them.",
)
@json_option
@reports_errors
def score(name: str, file: Path, as_json: bool) -> None:
    """Ask a source's writer every question of a file, and count the right results.

    A result is right if it equals that of the file's own query.

    \b
    Example:
      workbench data score shop --data eval.jsonl
    """
    from agents.data.accuracy import measure, read_questions
    from agents.databases.sources import find_source

    settings = load_settings()
    source = find_source(settings, name)
    rows = list(measure(read_questions(file), source, settings))
    for row in rows:
        if row.verdict != "right":
            _show(row, as_json)
    counts: dict[str, Any] = {}
    for verdict in VERDICTS:
        counts[verdict] = sum(row.verdict == verdict for row in rows)
    exact = round(counts["right"] / (len(rows) or 1), 4)
    result = {"questions": len(rows), **counts, "exact": exact}
    if as_json:
        print_json({"event": "done", **result})
        return
    text = "{questions} questions: {right} right, {declined} declined, {wrong} wrong"
    click.echo(text.format(**result))


def _show(row: Measured, as_json: bool) -> None:
    """One answer that is not right."""
    if not as_json:
        click.echo(f"{row.verdict}: {row.question}\n  {row.sql or row.reason}")
        return
    print_json(
        {
            "event": "answer",
            "question": row.question,
            "verdict": row.verdict,
            "sql": row.sql,
            "reason": row.reason,
        }
    )
