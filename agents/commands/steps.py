"""The assistant's steps on the terminal, and its questions whether a call may be made."""

from __future__ import annotations

import json
import sys

import click

from workbench.chat.consents import CONSENTS, Verdict
from workbench.chat.events import Calling, Step

SHOWN = 300  # characters of a result
MARKS = {"done": "✓", "failed": "✗", "refused": "–", "stopped": "■"}
KEYS: dict[str, Verdict] = {"y": "once", "a": "always", "n": "no"}


def step_line(event: Calling | Step) -> str:
    """The call as it begins, or what came of it, without signs that steer a terminal."""
    call = f"{event.tool}({json.dumps(event.arguments, ensure_ascii=False)})"
    if isinstance(event, Calling):
        return _plain(f"\n… {event.number}. {call}")
    result = " ".join(event.result.split())
    if len(result) > SHOWN:
        result = result[: SHOWN - 1] + "…"
    return _plain(f"{MARKS.get(event.state, '?')} {event.number}. {event.tool}: {result}")


def decide(event: Calling, asks: bool) -> None:
    """Ask the person at the terminal; where nobody can be asked the call is refused."""
    if not asks or not sys.stdin.isatty():
        CONSENTS.decide(event.consent, "no")
        return
    click.echo(_plain(f"\nThe server {event.server} would be called:{step_line(event)}"), err=True)
    answer = click.prompt(
        "Allow it? y = once, a = always, n = no", type=click.Choice(list(KEYS)), err=True
    )
    CONSENTS.decide(event.consent, KEYS[answer])


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign == "\n" or sign.isprintable())
