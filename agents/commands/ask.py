"""`workbench ask`: one question on the command line, the same stream of events as on the page."""

from __future__ import annotations

import signal
import sys
from contextlib import closing
from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import Settings, load_settings


@click.command()
@click.argument("question")
@click.option(
    "--mode",
    default="auto",
    show_default=True,
    help="auto, or the agent that shall answer: documents, data, tuned.",
)
@click.option("--model", help="Chat model: ollama:NAME, local:FOLDER, openai:NAME or none.")
@click.option("--collection", "-c", help="Collection to search.")
@click.option("--source", help="Database to ask.")
@json_option
@reports_errors
def ask(
    question: str,
    mode: str,
    model: str | None,
    collection: str | None,
    source: str | None,
    as_json: bool,
) -> None:
    """Ask one question and stream the answer with its sources.

    \b
    Example:
      workbench ask "How many days of leave do I have?" --collection handbook
      workbench ask "Which region sold most?" --mode data --source shop
    """
    given = {
        "tuned" if mode == "tuned" else "model": model,
        "collection": collection,
        "source": source,
    }
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value}
    interrupted: list[bool] = []

    def interrupt(*_: Any) -> None:
        interrupted.append(True)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    failed = False
    try:
        failed = _answer(question, load_settings(**chosen), mode, as_json)
    except (
        BaseException
    ):  # in the middle of an import, Ctrl-C comes out as whatever the library makes of it
        if not interrupted:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        click.echo("\nStopped.", err=True)
        sys.exit(130)
    sys.exit(1 if failed else 0)


def _answer(question: str, settings: Settings, mode: str, as_json: bool) -> bool:
    """Print the events as they come; whether the answer failed."""
    from agents.answer import answer
    from workbench.chat.events import to_dict

    failed, sources = False, []
    with closing(answer(question, [], settings, mode)) as events:
        for event in events:
            data = to_dict(event)
            failed = data["event"] == "failed"
            if data["event"] == "thought" and not data["text"]:
                continue  # a sign of life only
            if as_json:
                print_json(data)
            elif data["event"] == "source":
                sources.append(data)
            else:
                _show(data)
    for passage in sources:
        click.echo(f"[{passage['number']}] {passage['source']} {passage['locator']}".rstrip())
    return failed


def _show(event: dict[str, Any]) -> None:
    kind = event["event"]
    if kind == "routed":
        click.secho(f"{event['mode']}: {event['reason']}", dim=True, err=True)
    elif kind == "token":
        click.echo(event["text"], nl=False)
    elif kind == "thought":
        click.secho(event["text"], dim=True, nl=False, err=True)
    elif kind == "failed":
        click.echo(f"\nProblem: {event['problem']}\nFix:     {event['fix']}", err=True)
    elif kind == "done":
        click.echo()
        click.secho(f"{event['model']}, {event['seconds']:.1f} s", dim=True, err=True)
