"""`workbench rag …`: read files into collections, look at them, search and measure them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from workbench.cli import LazyCommands, json_option, print_json, reports_errors
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import load_settings

SEARCHING = {
    "search": ("rag.commands.search:search", "Search a collection and show both legs' scores."),
    "evaluate": (
        "rag.commands.search:evaluate",
        "Measure retrieval on questions with known passages.",
    ),
    "calibration": (
        "rag.commands.search:calibration",
        "Show or renew what fusion learned about a collection.",
    ),
}


@click.group(cls=LazyCommands, commands_by_name=SEARCHING)
def rag() -> None:
    """Read files into collections, search and measure them."""


@rag.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--collection", "-c", help="Name of the collection; made where it is new.")
@click.option(
    "--embedder",
    help="Embedder of a new collection: a folder, hub name, modelscope:NAME or ollama:NAME.",
)
@click.option(
    "--password",
    "passwords",
    multiple=True,
    metavar="[FILE=]WORD",
    help="Password of an encrypted file.",
)
@click.option(
    "--prune", is_flag=True, help="Drop documents whose files are gone from the folders given."
)
@json_option
@reports_errors
def ingest(
    paths: tuple[Path, ...],
    collection: str | None,
    embedder: str | None,
    passwords: tuple[str, ...],
    prune: bool,
    as_json: bool,
) -> None:
    """Read files and folders into a collection; unchanged files are skipped.

    \b
    Example:
      workbench rag ingest ./papers report.pdf --collection papers
    """
    from rag.ingest import ingest as run

    settings = load_settings()
    stop = _stops_on_sigterm()
    with _reporting(as_json) as report:
        outcome = run(
            paths,
            collection or settings.collection,
            settings,
            embedder=embedder,
            passwords=_passwords(passwords),
            prune=prune,
            report=report,
            stopped=stop,
        )
    if as_json:
        print_json({"event": "done", **asdict(outcome)})
    else:
        for failure in outcome.failed:
            click.echo(f"{failure['file']}\n  {failure['problem']}\n  {failure['fix']}", err=True)
        removed = f", {outcome.removed} removed" if prune else ""
        click.echo(
            f"{outcome.indexed} indexed, {outcome.unchanged} unchanged, {outcome.empty} empty, "
            f"{len(outcome.failed)} failed{removed}; {outcome.passages} passages in all"
        )
    sys.exit(0 if outcome.indexed or outcome.unchanged else 1)


@rag.command("list")
@json_option
@reports_errors
def list_command(as_json: bool) -> None:
    """The collections of the workspace. Example: workbench rag list"""
    from rag.store import list_collections

    for found in list_collections(load_settings()):
        facts = {
            "collection": found.name,
            "documents": len(found.documents()),
            "passages": found.count(),
            "embedder": found.embedder,
            "dimension": found.dimension,
            "revision": found.revision,
        }
        if as_json:
            print_json(facts)
        else:
            click.echo(
                "{collection}: {documents} documents, {passages} passages, {embedder}".format(
                    **facts
                )
            )


@rag.command()
@click.argument("collection")
@json_option
@reports_errors
def show(collection: str, as_json: bool) -> None:
    """The documents of a collection and their state. Example: workbench rag show handbook"""
    from rag.store import open_collection

    for document in open_collection(load_settings(), collection).documents():
        if as_json:
            print_json(asdict(document))
        else:
            problem = f"  {document.problem} {document.fix}" if document.problem else ""
            click.echo(f"{document.state:<8} {document.passages:>6}  {document.source}{problem}")


@rag.command()
@click.argument("collection")
@click.argument("sources", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports_errors
def remove(collection: str, sources: tuple[str, ...], yes: bool) -> None:
    """Remove documents from a collection, or the whole collection. Example: workbench rag remove papers old.pdf"""
    from rag.store import delete_collection, open_collection

    settings = load_settings()
    found = open_collection(settings, collection)
    there = [document.source for document in found.documents()]
    chosen = [source for source in there if source in sources or Path(source).name in sources]
    if sources and not chosen:
        raise InvalidInput(
            say(
                "{collection} has no document {sources}.",
                collection=collection,
                sources=", ".join(sources),
            ),
            say("See: workbench rag show {collection}", collection=collection),
        )
    what = (
        f"{len(chosen)} documents from {collection}"
        if sources
        else f"{collection} with {len(there)} documents"
    )
    if not yes:
        click.confirm(f"Remove {what}?", abort=True)
    if sources:
        with found.writing():
            found.remove(chosen)
    else:
        delete_collection(settings, collection)
    click.echo(f"Removed {what}. The files themselves stay where they are.")


@rag.command()
@click.argument("collection")
@click.option("--embedder", required=True, help="The embedder to use from now on.")
@json_option
@reports_errors
def reindex(collection: str, embedder: str, as_json: bool) -> None:
    """Embed a collection again with another embedder. Example: workbench rag reindex papers --embedder ollama:bge-m3"""
    from rag.reindex import reindex as run

    with _reporting(as_json) as report:
        found = run(collection, embedder, load_settings(), report)
    facts = {"collection": found.name, "embedder": found.embedder, "dimension": found.dimension}
    print_json({"event": "done", **facts}) if as_json else click.echo(
        "{collection} now uses {embedder}".format(**facts)
    )


def _passwords(given: tuple[str, ...]) -> dict[str, str]:
    """`FILE=WORD` for one file; a word alone, or WORKBENCH_FILE_PASSWORD, is tried on every encrypted one."""
    pairs = (word.rpartition("=") for word in given)
    common = {"*": word} if (word := os.environ.get("WORKBENCH_FILE_PASSWORD")) else {}
    return common | {name or "*": word for name, _, word in pairs}


def _stops_on_sigterm() -> Callable[[], bool]:
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    return lambda: bool(asked)


class _reporting:
    """Progress as JSON lines, or as a bar on the terminal."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        if self._as_json:
            return print_json
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("Reading", total=None)
        self._bar.start()
        return self._show

    def _show(self, event: dict[str, Any]) -> None:
        if event["event"] == "waiting":
            self._bar.update(self._task, description="Waiting for another job")
        elif event["event"] == "calibrating":
            self._bar.update(self._task, description="Learning how to weigh words and meaning")
        else:
            name = Path(event["file"]).name if "file" in event else "Embedding"
            self._bar.update(
                self._task,
                description=name[:40],
                completed=event["done"],
                total=event.get("files", event.get("of")),
            )

    def __exit__(self, *error: object) -> None:
        if self._bar:
            self._bar.stop()
