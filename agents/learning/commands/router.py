"""`workbench router evidence | score`: what Auto has learned of judgements, and its worth."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import load_settings


@click.group()
def router() -> None:
    """What Auto has learned of votes, corrections and comparisons."""


@router.command()
@click.option("--list", "listing", is_flag=True, help="List what was learned; so does no option.")
@click.option("--forget", metavar="ID", help="Take one judgement out.")
@click.option("--remember", metavar="ID", help="Put one back that was taken out.")
@click.option("--on/--off", "on", default=None, help="Whether what was learned counts.")
@json_option
@reports_errors
def evidence(
    listing: bool, forget: str | None, remember: str | None, on: bool | None, as_json: bool
) -> None:
    """List what Auto has learned by topic, with every judgement; take out, put back, switch off.

    \b
    Example:
      workbench router evidence --list
      workbench router evidence --forget 3f2a91c07d
    """
    from agents.learning import memory

    settings = load_settings()
    if forget:
        memory.forget(forget, settings)
    if remember:
        memory.remember(remember, settings)
    if on is not None:
        memory.switch(on, settings)
    _show(as_json)


@router.command()
@click.option(
    "--questions",
    type=click.Path(path_type=Path),
    help='A frozen set: JSON lines of {"question", "mode"}, or lines of mode, tab, question.',
)
@json_option
@reports_errors
def score(questions: Path | None, as_json: bool) -> None:
    """Count the questions that Auto sends where they belong, before and after it learned.

    Without a file the judged questions are asked, each without what was judged of itself.

    \b
    Example:
      workbench router score --questions frozen.jsonl
    """
    from agents.learning.score import score_frozen, score_judged

    settings = load_settings()
    report = print_json if as_json else _no_report
    measure = score_frozen(questions, settings, report) if questions else None
    result = measure or score_judged(settings, report)
    if as_json:
        print_json({"event": "done"} | result)
        return
    click.echo(f"{result['n']} questions of {result['set']}")
    click.echo(f"before {result['before']:.4f}  after {result['after']:.4f}")
    for row in result["moved"]:
        click.echo(f"  {row['before']} -> {row['after']} (is {row['mode']}): {row['question']}")


def _show(as_json: bool) -> None:
    from agents.learning.judgements import as_row
    from agents.learning.memory import learned
    from agents.learning.topics import find_topics

    settings = load_settings()
    known = learned(settings)
    topics = find_topics(known, settings)
    if as_json:
        rows = [as_row(one) | {"counts": one.id not in known.forgotten} for one in known.judgements]
        found = [topic.as_row() for topic in topics]
        print_json({"on": known.on, "topics": found, "judgements": rows, "score": known.score})
        return
    click.echo(f"What was learned {'counts' if known.on else 'is switched off'}.")
    for topic in topics:
        click.secho(f"{topic.mode}: {topic.name}  ({topic.in_words})", bold=True)
        for stance in topic.stances:
            click.echo(f"   {stance.question}")
    if not known.judgements:
        click.echo("Nothing yet: vote, ask another instead, rate, or run a comparison.")
    for one in known.judgements:
        mark = " " if one.id not in known.forgotten else "x"
        day = datetime.fromtimestamp(one.created).strftime("%Y-%m-%d")
        said = f"+{','.join(one.better)} -{','.join(one.worse)}"
        click.echo(f"{mark} {one.id}  {day}  {one.kind:<10} {said:<24} {one.question}")


def _no_report(event: dict[str, Any]) -> None:
    return None
