"""A publish and its result -> JSON lines, or words on the terminal."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

import click

from workbench.cli import print_json
from workbench.errors import Stopped, WorkbenchError


def in_words(proof: dict[str, Any]) -> str:
    """A proof's summary in a sentence."""
    if not proof["passed"]:
        return f"The proof failed. {proof['reason']}"
    parts = [
        f"{proof['identical']:.0%} of {proof['prompts']} conversations answered token for token "
        f"as in training"
    ]
    if "same_tokens" in proof:  # proofs of earlier versions have none
        parts.append(f"{proof['same_tokens']:.1%} of the tokens before the answers part")
    parts.append(f"log-probabilities {proof['logprob_change']:.4f} apart.")
    return ", ".join(parts)


def form_in_words(card: dict[str, Any]) -> str:
    """Whether base and adapter were merged, and why; empty where there was no choice."""
    on = card.get("adapter_on")
    if on:
        return f"Only the adapter, on {on[0]}: {card['gguf_bytes'] / 1e6:.1f} MB. "
    because = card.get("merged_because")
    return f"Merged: {because} " if because else ""


class Steps:
    """Progress as JSON lines or on one line of the terminal.

    A signal to stop becomes Stopped; an error names its step.
    """

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._step = "check"
        self._shown: tuple[Any, ...] = ()
        self._began = time.monotonic()

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
        self._step = event["step"]
        self._shown = shown
        if self._as_json:
            print_json(event | {"seconds": round(time.monotonic() - self._began, 1)})
            return
        share = f" {event['share']:.0%}" if "share" in event else ""
        line = f"{event['number']}/{event['stages']} {self._step}{share}"
        click.echo(f"\r\033[K{line}", nl=False, err=True)

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
            # A second signal must not interrupt the clearing away.
            signal.signal(again, signal.SIG_IGN)
        raise Stopped(
            "The publish was cancelled; nothing was left behind.", "Publish again when you like."
        )
