"""`workbench compare run`: questions and arms -> every answer, and a verdict."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.errors import Stopped
from workbench.settings import load_settings
from workbench.stopping import stops_cleanly
from workbench.terminal import reporting, warning_note


@click.command()
@click.option(
    "--questions",
    "origin",
    required=True,
    metavar="FILE|held-out:RUN|rated|collection:NAME",
    help="JSON lines with question and answer, or where to take them from.",
)
@click.option(
    "--arms",
    required=True,
    help="With commas: base, rag, tuned, rag+tuned, any model's name, rag+NAME.",
)
@click.option("--model", help="The chat model of base and rag.")
@click.option("--collection", "-c", help="The collection of rag.")
@click.option("--tuned", help="The tuned model: a run's name, or ollama:NAME.")
@click.option("--name", default="", help="Name of the comparison; else that of the file.")
@click.option(
    "--measure",
    default="auto",
    show_default=True,
    help="How an answer counts as right: exact, contains, numbers, words, bertscore, …",
)
@click.option("--judge", default="", help="A model that judges pairs of answers as well.")
@click.option("--limit", default=0, type=click.IntRange(0), help="Draw so many questions; 0 = all.")
@click.option("--seed", default=42, show_default=True, help="Of drawing and of the intervals.")
@click.option("--replace", is_flag=True, help="Write over a comparison of other questions or arms.")
@json_option
@reports_errors
def run(
    origin: str,
    arms: str,
    model: str | None,
    collection: str | None,
    tuned: str | None,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Ask every arm the same questions, and say which is better.

    Every arm answers as the chat would, with the most likely words. An answer that is known is not
    asked for again: run the same command once more to go on after a stop.

    \b
    Example:
      workbench compare run --questions collection:handbook --arms base,rag
      workbench compare run --questions held-out:crew --arms base,rag,tuned,rag+tuned
    """
    from agents.compare.run import Wanted, compare

    given = {"model": model, "collection": collection, "tuned": _full_name(tuned)}
    settings = load_settings(**{name: value for name, value in given.items() if value})
    stop = Stopped(
        "Stopped; the answers that were given are kept.", "Run the same command again to go on."
    )
    with stops_cleanly(stop, as_json), reporting(as_json, warning_note) as report:
        result = compare(Wanted(origin, arms.split(","), **wanted), settings, report)
    if as_json:
        print_json(result)
    else:
        _show(result)


def _full_name(tuned: str | None) -> str | None:
    """A run may be given by its name alone."""
    return f"local:{tuned}" if tuned and ":" not in tuned and tuned != "auto" else tuned


def _show(result: dict[str, Any]) -> None:
    for arm, figures in result["arms"].items():
        low, high = figures["interval"]
        click.echo(
            f"{arm:<12} {figures['correct']:>4} of {figures['n']}  {low:.3f} to {high:.3f}  "
            f"{figures['seconds']:.1f} s  {figures['tokens']:.0f} tokens"
        )
    click.echo(result["lead"])
    for said in result["findings"]:
        click.echo(f"- {said}")
