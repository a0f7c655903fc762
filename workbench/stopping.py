"""A command that can be stopped: SIGTERM and Ctrl-C end it with one line and status 143."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from workbench.cli import print_json
from workbench.errors import Stopped

SIGNALS = (signal.SIGTERM, signal.SIGINT)
CANCELLED = 143  # what a shell reports for a command ended by SIGTERM


@contextmanager
def stops_cleanly(stop: Stopped, as_json: bool) -> Iterator[None]:
    """Wherever the signal arrives, `stop` says what is kept and how to go on."""
    asked: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        for again in SIGNALS:
            signal.signal(again, signal.SIG_IGN)  # a second one must not interrupt the end
        asked.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    except BaseException:
        # a library may make something else of it, in the middle of an import
        if not asked:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if not asked:
        return
    if as_json:
        print_json({"event": "cancelled", "problem": stop.problem, "fix": stop.fix})
    else:
        click.echo(f"{stop.problem}\n{stop.fix}", err=True)
    sys.exit(CANCELLED)
