"""`workbench compare advise`: documents first, tuning, or both, with numbers and the cost."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings


@click.command()
@click.option("--collection", "-c", help="Collections to look at; several by commas.")
@click.option(
    "--data",
    default="",
    metavar="FILE|held-out:RUN|rated",
    help="Questions with answers; without it those of the newest run, or of rated chats.",
)
@click.option("--comparison", default="", help="A comparison that decides; else the newest one.")
@click.option(
    "--changes",
    default="",
    metavar="never|yearly|monthly|weekly|daily",
    help="How often the knowledge changes, where the collections cannot tell.",
)
@click.option(
    "--ask",
    "asked",
    default=0,
    type=click.IntRange(0),
    help="Ask the chat model alone so many of the questions, where no comparison did.",
)
@json_option
@reports_errors
def advise(
    collection: str | None,
    data: str,
    comparison: str,
    changes: str,
    asked: int,
    as_json: bool,
) -> None:
    """Say whether documents, tuning or both should answer, why, and what it would cost.

    \b
    Example:
      workbench compare advise --collection handbook --data questions.jsonl
    """
    from agents.learning.advice import Wanted, check_collections
    from agents.learning.advice import advise as look

    settings = load_settings(**({"collection": collection} if collection else {}))
    if collection:
        check_collections(settings.collections, settings)
    wanted = Wanted(data, comparison, changes, asked)
    advice = look(wanted, settings, print_json if as_json else _warn)
    if as_json:
        print_json({"event": "done"} | advice.as_row())
        return
    click.secho(advice.verdict.choice.capitalize(), bold=True)
    click.echo(advice.basis)
    for title, lines in (
        ("Why", [*advice.evidence, *advice.verdict.reasons]),
        ("Against", advice.verdict.against),
        ("Cost", advice.costs),
    ):
        if lines:
            click.echo(f"\n{title}")
        for line in lines:
            click.echo(f"  {line}")


def _warn(event: dict[str, Any]) -> None:
    if event["event"] == "warning":
        click.secho(f"Warning: {event['text']}", fg="yellow", err=True)
