"""Events of a long command -> JSON lines, or one bar on the terminal with notes above it.

    with reporting(as_json) as report:
        ingest(paths, collection, settings, report=report)

`report` takes the command's events, plain dicts. Events with a `stage` move the bar (see
workbench.progress). Others appear above it where `note` makes a line of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import print_json
from workbench.progress import Progress, read_progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

Event = dict[str, Any]
Report = Callable[[Event], None]
Note = Callable[[Event], str]


def no_notes(event: Event) -> str:
    """No line for any event."""
    return ""


@contextmanager
def reporting(as_json: bool, note: Note = no_notes) -> Iterator[Report]:
    """Where a command's events go: JSON lines on stdout, else a bar on stderr.

    `note` turns an event into a line that stays on the terminal, or into "". Without a terminal
    (a log file, a pipe) each stage is one line instead of a bar.
    """
    if as_json:
        yield print_json
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield _OnBar(bar, note)
    else:
        yield _OnLines(note)


def warning_note(event: Event) -> str:
    """The line of a warning, in yellow; nothing for another event."""
    if event["event"] != "warning":
        return ""
    return click.style(f"Warning: {event['text']}", fg="yellow")


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    return Bar(*columns, console=Console(stderr=True), transient=True)


def _detail(event: Event) -> str:
    """What a command wants shown beside its bar: a file's name, a loss."""
    return str(event.get("detail", ""))


class _OnBar:
    """Moves one bar; a new stage starts it again."""

    def __init__(self, bar: Bar, note: Note) -> None:
        self._bar = bar
        self._note = note
        self._task = bar.add_task("", total=None, detail="")
        self._stage = ""

    def __call__(self, event: Event) -> None:
        line = self._note(event)
        if line:
            # not print(): the bar would be drawn over the line
            from rich.text import Text

            self._bar.console.print(Text.from_ansi(line))
        progress = read_progress(event)
        if progress:
            self._move(progress, _detail(event))

    def _move(self, progress: Progress, detail: str) -> None:
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._bar.reset(self._task)
        # without `of` the bar pulses
        self._bar.update(
            self._task,
            description=progress.stage,
            completed=progress.done + progress.share,
            total=progress.of or None,
            detail=detail,
        )


class _OnLines:
    """Prints each stage once."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._stage = ""

    def __call__(self, event: Event) -> None:
        line = self._note(event)
        if line:
            click.echo(line, err=True)
        progress = read_progress(event)
        if progress and progress.stage != self._stage:
            self._stage = progress.stage
            click.echo(f"{progress.stage}…", err=True)
