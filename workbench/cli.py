"""`workbench <verb>`: mounts each package's commands by name, imported only when they are used."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any

import click

from workbench.contributions import contributions, load_place
from workbench.disk import disk_error
from workbench.errors import WorkbenchError
from workbench.messages import say, with_messages
from workbench.private import keep_private


def contributed_commands(group: str = "") -> dict[str, tuple[str, str]]:
    """Name of a command -> (place of the click command, one line of help), of all packages.

    With `group` those that packages add to that group, whose names are "GROUP NAME".
    """
    rows: dict[str, tuple[str, str]] = {}
    for contribution in contributions():
        for words, row in contribution.commands.items():
            first, _, last = words.rpartition(" ")
            if first == group:
                rows[last] = row
    return dict(sorted(rows.items()))


class LazyCommands(click.Group):
    """A group with commands that are imported on first use, so that `--help` costs no library."""

    def __init__(
        self, *args: Any, commands_by_name: dict[str, tuple[str, str]] | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.by_name = commands_by_name or {}

    def list_commands(self, context: click.Context) -> list[str]:
        return [*self.commands, *self.by_name]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.by_name:
            return super().get_command(context, name)
        place, _ = self.by_name[name]
        return load_place(place)  # type: ignore[return-value]

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, command.get_short_help_str(100)) for name, command in self.commands.items()]
        rows += [(name, text) for name, (_, text) in self.by_name.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=LazyCommands,
    commands_by_name=contributed_commands(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="agent-workbench", prog_name="workbench")
def workbench() -> None:
    """Ask your documents and databases, tune a local model, compare both, publish to Ollama.

    \b
    Example:
      workbench rag ingest ./papers --collection papers
      workbench ask "Which method won?" --collection papers
    """


json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line; the last is the result."
)

Line = dict[str, Any]
_receiver: ContextVar[Callable[[Line], None] | None] = ContextVar("receiver", default=None)


def print_json(data: Line) -> None:
    """One object on one line, flushed at once; inside `receiving` the receiver gets it instead."""
    receive = _receiver.get()
    if receive:
        receive(data)
        return
    click.echo(json.dumps(with_messages(data), ensure_ascii=False, default=str))
    sys.stdout.flush()


def read_secret(asked: str) -> str:
    """A password or key, typed unseen or piped in: who lists the processes never sees it."""
    if sys.stdin.isatty():
        return str(click.prompt(asked, hide_input=True, err=True))
    return sys.stdin.readline().strip()


@contextmanager
def receiving(receive: Callable[[Line], None] | None) -> Iterator[None]:
    """Give the JSON lines of commands to a function; None prints them again."""
    token = _receiver.set(receive)
    try:
        yield
    finally:
        _receiver.reset(token)


def call(words: Sequence[str], receive: Callable[[Line], None]) -> int:
    """Run `workbench WORDS… --json` in this process and return its exit status.

    `receive` gets each JSON line as the command makes it. Libraries that are loaded stay loaded,
    which makes the next command start in no time.
    """
    with receiving(receive):
        try:
            workbench.main([*words, "--json"], prog_name="workbench", standalone_mode=False)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
    return 0


def reports_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """A WorkbenchError becomes two lines on stderr or one JSON object, and exit status 1."""

    @wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            _check_paths(kwargs.values())
            return command(*args, **kwargs)
        except WorkbenchError as error:
            failure = error
        except Exception as error:
            unwritable = disk_error(error, say("the workspace"))
            if unwritable is None:
                raise
            failure = unwritable
        if kwargs.get("as_json"):
            print_json({"event": "failed", "problem": failure.problem, "fix": failure.fix})
        else:
            click.echo(f"Problem: {failure.problem}\nFix:     {failure.fix}", err=True)
        sys.exit(1)

    return wrapper


def _check_paths(values: Iterable[Any]) -> None:
    """Raises Forbidden for a path in a command's arguments that its person may not name.

    A page runs commands in jobs, for the person who has pressed the button.
    """
    given = [one for value in values for one in (value if isinstance(value, tuple) else [value])]
    paths = [one for one in given if isinstance(one, Path)]
    if not paths:
        return
    from workbench.confined import inside
    from workbench.settings import load_settings

    settings = load_settings()
    for path in paths:
        inside(path, settings)


def main() -> None:
    """Entry point of the `workbench` command."""
    for stream in (sys.stdout, sys.stderr):  # a C locale must not break Chinese output
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    share_processor()
    keep_private()
    workbench()


def share_processor() -> None:
    """Let waiting torch threads sleep: on a busy machine their spinning takes most of the time.

    libgomp reads the variable when torch is imported. Measured on two busy cores: 8.2 s a training
    step without it, 0.3 s with it.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


if __name__ == "__main__":
    main()
