"""`workbench ask`: one question on the command line, the same stream of events as on the page."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from agents.history import read_history
from agents.registry import AGENTS, AUTO
from workbench.chat.conversations import Turn
from workbench.cli import json_option, print_json, reports_errors
from workbench.settings import Settings, load_settings


class Mode(click.ParamType):
    """`auto` or an agent's name, from the registry as it is when the command runs.

    An unknown mode passes: the answer itself fails with the known ones, as JSON where asked for.
    """

    name = "mode"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join([AUTO, *AGENTS])}]"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        modes = [AUTO, *AGENTS]
        return [CompletionItem(mode) for mode in modes if mode.startswith(incomplete)]


@click.command()
@click.argument("question")
@click.option(
    "--mode",
    type=Mode(),
    default=AUTO,
    show_default=True,
    help="Which agent answers; auto chooses by what the agents have to answer from.",
)
@click.option("--model", help="Chat model: ollama:NAME, local:FOLDER, openai:NAME or none.")
@click.option(
    "--collection",
    "-c",
    "collections",
    multiple=True,
    help="Collection to search; several by commas, or by repeating it.",
)
@click.option("--source", help="Database to ask.")
@click.option("--preset", help="Preset of the chat page: its mode, model, collections and so on.")
@click.option(
    "--attach",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file to answer from first; repeat it for several.",
)
@click.option(
    "--password",
    "passwords",
    multiple=True,
    metavar="[FILE=]WORD",
    help="Password of an encrypted file.",
)
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    help='JSON file with the turns before: [{"role", "content", "mode"?}, …].',
)
@json_option
@reports_errors
def ask(
    question: str,
    mode: str,
    model: str | None,
    collections: tuple[str, ...],
    source: str | None,
    preset: str | None,
    attach: tuple[Path, ...],
    passwords: tuple[str, ...],
    history: Path | None,
    as_json: bool,
) -> None:
    """Ask one question and stream the answer with its sources.

    \b
    Example:
      workbench ask "How many days of leave do I have?" --collection handbook
      workbench ask "Which region sold most?" --mode data --source shop
      workbench ask "What does clause 7 say?" --preset "Contract reader"
      workbench ask "What is the total of this order?" --attach order.pdf
      workbench ask "And in Berlin?" --history turns.json
    """
    kept = _kept_in(preset) if preset else {}
    kept_mode = kept.pop("mode", AUTO)
    mode = kept_mode if mode == AUTO else mode
    speaks = AGENTS[mode].model if mode in AGENTS else "model"
    given = {speaks: model, "collection": ", ".join(collections), "source": source}
    chosen: dict[str, Any] = kept | {name: value for name, value in given.items() if value}
    with _stops_cleanly():
        settings = load_settings(**chosen)
        settings = _with_collections(settings, bool(collections))
        turns = read_history(history) if history else []
        failed = _answer(question, turns, settings, mode, as_json, attach, passwords)
    sys.exit(1 if failed else 0)


def _with_collections(settings: Settings, named: bool) -> Settings:
    """The settings with collections to search. Raises NotFound for a name of none."""
    from rag.catalogue import with_existing

    if not named:
        return with_existing(settings)
    from rag.store import check_names

    check_names(settings, settings.collections)  # in Auto a missing one would only go unasked
    return settings


def _kept_in(preset: str) -> dict[str, Any]:
    """What the preset chooses. Raises NotFound."""
    from agents.presets import find_preset

    return dict(find_preset(preset, load_settings()).chosen)


@contextmanager
def _stops_cleanly() -> Iterator[None]:
    """Ctrl-C ends with one line and status 130, wherever it arrives."""
    interrupted: list[bool] = []

    def interrupt(*_: Any) -> None:
        interrupted.append(True)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except BaseException:
        # in the middle of an import Ctrl-C comes out as whatever the library makes of it
        if not interrupted:
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        click.echo("\nStopped.", err=True)
        sys.exit(130)


def _answer(
    question: str,
    turns: Sequence[Turn],
    settings: Settings,
    mode: str,
    as_json: bool,
    attach: Sequence[Path],
    passwords: Sequence[str],
) -> bool:
    """Print the events as they come, the sources last; whether the answer failed."""
    from agents.asking import answer_with_files
    from agents.commands.steps import decide
    from rag.commands.rag import read_passwords
    from workbench.chat.events import Beat, Calling, Failed, Source, to_dict

    failed = False
    sources: list[Source] = []
    read = answer_with_files(question, turns, settings, mode, attach, read_passwords(passwords))
    with closing(read) as events:
        for event in events:
            failed = isinstance(event, Failed)
            if isinstance(event, Beat):
                continue
            if as_json:
                print_json(to_dict(event))
            if isinstance(event, Calling) and event.consent:
                decide(event, asks=not as_json)
            if as_json:
                continue
            if isinstance(event, Source):
                sources.append(event)
            else:
                _show(event, question)
    for source in sources:
        click.echo(f"[{source.number}] {source.source} {source.locator}".rstrip())
    return failed


def _show(event: Any, question: str) -> None:
    """The text goes to standard output, everything about it to standard error."""
    from agents.commands.steps import step_line
    from workbench.chat import events as kinds

    if isinstance(event, kinds.Calling | kinds.Step):
        click.secho(step_line(event), dim=True, err=True)
    elif isinstance(event, kinds.Routed):
        click.secho(f"{event.mode}: {event.reason}", dim=True, err=True)
    elif isinstance(event, kinds.Token):
        click.echo(event.text, nl=False)
    elif isinstance(event, kinds.Thought):
        click.secho(event.text, dim=True, nl=False, err=True)
    elif isinstance(event, kinds.Notice):
        click.secho(f"\nNote:    {_in_language_of(question, event.text)}", dim=True, err=True)
    elif isinstance(event, kinds.Folded):
        reason = _in_language_of(question, event.reason)
        click.secho(f"\nNote:    {reason}\n{event.text}", dim=True, err=True)
    elif isinstance(event, kinds.Suggestions):
        for mode, suggested in event.questions:
            click.echo(f"\n- {suggested} ({mode})", nl=False)
    elif isinstance(event, kinds.Failed):
        click.echo(f"\nProblem: {event.problem}\nFix:     {event.fix}", err=True)
    elif isinstance(event, kinds.Done):
        click.echo()
        click.secho(f"{event.model}, {event.seconds:.1f} s", dim=True, err=True)


def _in_language_of(question: str, message: str) -> str:
    """A notice stands beside the answer, which is in the language of the question."""
    from workbench.contributions import chinese
    from workbench.language import language_of
    from workbench.messages import translate

    if language_of(question) == "zh":
        return translate(message, chinese())
    return message
