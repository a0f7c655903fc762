"""A publish as it goes and what came of it -> JSON lines, or words on the terminal."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click

from workbench.cli import print_json
from workbench.errors import Stopped, WorkbenchError


def in_words(proof: dict[str, Any]) -> str:
    if not proof["passed"]:
        return f"The proof failed. {proof['reason']}"
    return (
        f"{proof['identical']:.0%} of {proof['prompts']} conversations answered token for token as in training, "
        f"log-probabilities {proof['logprob_change']:.4f} apart."
    )


def form_in_words(card: dict[str, Any]) -> str:
    if on := card.get("adapter_on"):
        return f"Only the adapter, on {on[0]}: {card['gguf_bytes'] / 1e6:.1f} MB. "
    return f"Merged: {because} " if (because := card.get("merged_because")) else ""


class Steps:
    """Progress as JSON lines or on one line of the terminal; a signal to stop becomes Stopped, an error names its step."""

    def __init__(self, as_json: bool) -> None:
        self._as_json, self._step = as_json, "check"
        self._shown: tuple[Any, ...] = ()

    def __enter__(self) -> Steps:
        self._before = {
            number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def tell(self, event: dict[str, Any]) -> None:
        """Print the event, unless it is the step and the percent that was printed last."""
        shown = (event["step"], int(event.get("share", 0) * 100), event.get("status"))
        if shown == self._shown:
            return
        self._step, self._shown = event["step"], shown
        if self._as_json:
            print_json(event)
        else:
            share = f" {event['share']:.0%}" if "share" in event else ""
            click.echo(
                f"\r\033[K{event['done'] + 1}/{event['of']} {self._step}{share}", nl=False, err=True
            )

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if not self._as_json:
            click.echo("\r\033[K", nl=False, err=True)
        elif isinstance(error, WorkbenchError):
            print_json(
                {"event": "failed", "step": self._step, "problem": error.problem, "fix": error.fix}
            )
            sys.exit(1)

    def _stop(self, number: int, frame: object) -> None:
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, signal.SIG_IGN)  # the clearing away is not to be interrupted
        raise Stopped(
            "The publish was cancelled; nothing was left behind.", "Publish again when you like."
        )
