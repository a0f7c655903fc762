"""`workbench compare questions`: an origin -> a file of questions with their right answers."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Conflict
from workbench.messages import say
from workbench.settings import load_settings


@click.command()
@click.option(
    "--from",
    "origin",
    required=True,
    metavar="FILE|held-out:RUN|rated|collection:NAME",
    help="A file, a run's held-out rows, rated chats, or a collection's passages.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--count", default=60, show_default=True, help="Questions of a collection, at most.")
@click.option("--seed", default=42, show_default=True, help="Of drawing them.")
@click.option("--replace", is_flag=True, help="Write over an existing file.")
@json_option
@reports_errors
def questions(origin: str, out: Path, count: int, seed: int, replace: bool, as_json: bool) -> None:
    """Make a file of questions with their right answers, to compare with.

    Of a collection: sentences of its passages with a gap for a figure or a name. Of rated chats:
    the answers found good, and corrections.

    \b
    Example:
      workbench compare questions --from held-out:crew --out crew-questions.jsonl
      workbench compare questions --from collection:handbook --out handbook-questions.jsonl
    """
    from agents.compare.gathering import gather
    from agents.compare.kept import write_lines

    if out.exists() and not replace:
        raise Conflict(say("{path} exists already.", path=out), "Give another name, or --replace.")
    rows = gather(origin, load_settings(), count, seed)
    write_lines(out, rows)
    if as_json:
        print_json({"event": "done", "questions": len(rows), "path": str(out.absolute())})
    else:
        click.echo(f"{len(rows)} questions in {out}")
