"""`workbench rag …`: read files into collections, look at them, search and measure them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli import LazyCommands, json_option, print_json, reports_errors
from workbench.errors import InvalidInput, Stopped
from workbench.messages import say
from workbench.settings import load_settings
from workbench.stopping import stops_cleanly
from workbench.terminal import reporting

if TYPE_CHECKING:
    from rag.engines.parts import Engine
    from rag.ingest import Outcome

STOPPED = Stopped(
    "Reading was stopped; what is in the index by now is kept.",
    "Run the same command again to go on.",
)
MORE = {
    "search": ("rag.commands.search:search", "Search a collection and show both legs' scores."),
    "evaluate": (
        "rag.commands.search:evaluate",
        "Measure retrieval on questions with known passages.",
    ),
    "texts": (
        "rag.commands.texts:texts",
        "Write a collection's documents as JSON lines, to train on.",
    ),
    "calibration": (
        "rag.commands.search:calibration",
        "Show or renew what fusion learned about a collection.",
    ),
}


@click.group(cls=LazyCommands, commands_by_name=MORE)
def rag() -> None:
    """Read files into collections, search and measure them."""


@rag.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--collection", "-c", help="Name of the collection; made where it is new.")
@click.option(
    "--embedder",
    help="Embedder of a new collection: multilingual-e5-small, all-MiniLM-L6-v2, a folder, a hub "
    "name, modelscope:NAME or ollama:NAME.",
)
@click.option(
    "--password",
    "passwords",
    multiple=True,
    metavar="[FILE=]WORD",
    help="Password of an encrypted file; WORKBENCH_FILE_PASSWORD is not seen by other users.",
)
@click.option(
    "--prune", is_flag=True, help="Drop documents whose files are gone from the folders given."
)
@click.option("--again", is_flag=True, help="Read unchanged files too.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Who reads and embeds: this process, or workers of Ray, which the extra ray installs.",
)
@click.option(
    "--address",
    envvar="RAY_ADDRESS",
    help="The Ray cluster: HOST:6379 on one of its machines, else ray://HOST:10001; without it Ray "
    "starts on this machine.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="How many Ray workers; else what has room."
)
@json_option
@reports_errors
def ingest(
    paths: tuple[Path, ...],
    collection: str | None,
    embedder: str | None,
    passwords: tuple[str, ...],
    prune: bool,
    again: bool,
    engine: str,
    address: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Read files and folders into a collection; unchanged files are skipped.

    \b
    Example:
      workbench rag ingest ./papers report.pdf --collection papers
    """
    from rag.ingest import ingest as run
    from rag.problems import fix_for_terminal

    settings = load_settings()
    with stops_cleanly(STOPPED, as_json), reporting(as_json) as report:
        outcome = run(
            paths,
            collection or settings.collections[0],
            settings,
            embedder=embedder,
            passwords=read_passwords(passwords),
            prune=prune,
            again=again,
            engine=_engine(engine, address, workers),
            report=report,
        )
    for failure in outcome.failed:
        failure["fix"] = fix_for_terminal(failure["file"], failure["fix"])
    if as_json:
        print_json({"event": "done", "summary": outcome.summary, **asdict(outcome)})
    else:
        _print_outcome(outcome, prune)
    sys.exit(0 if outcome.usable else 1)


def _engine(name: str, address: str | None, workers: int | None) -> Engine:
    """The engine of that name, ready to be used. Raises InvalidInput, Unavailable."""
    from rag.engines.local import embed_here
    from rag.engines.ray_crew import RayEngine

    if name == "local":
        return embed_here
    cluster = RayEngine(address or "", workers or 0)
    cluster.check()
    return cluster


def _print_outcome(outcome: Outcome, prune: bool) -> None:
    for left in outcome.left_out:
        click.echo(left, err=True)
    for failure in outcome.failed:
        click.echo(f"{failure['file']}\n  {failure['problem']}\n  {failure['fix']}", err=True)
    counts = [
        f"{outcome.indexed} indexed",
        f"{outcome.unchanged} unchanged",
        f"{outcome.empty} empty",
        f"{len(outcome.failed)} failed",
    ]
    if prune:
        counts.append(f"{outcome.removed} removed")
    click.echo(f"{', '.join(counts)}; {outcome.passages} passages in all")


@rag.command("list")
@click.option("--all", "hidden", is_flag=True, help="Those of chats and attached files too.")
@json_option
@reports_errors
def list_command(hidden: bool, as_json: bool) -> None:
    """The collections of the workspace. Example: workbench rag list"""
    from rag.store import list_collections

    for found in list_collections(load_settings(), hidden=hidden):
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
            documents = f"{facts['documents']} documents, {facts['passages']} passages"
            click.echo(f"{found.name}: {documents}, {found.embedder}")


@rag.command()
@click.argument("collection")
@json_option
@reports_errors
def show(collection: str, as_json: bool) -> None:
    """The documents of a collection and their state. Example: workbench rag show handbook"""
    from rag.problems import fix_for_terminal
    from rag.store import open_collection

    for document in open_collection(load_settings(), collection).documents():
        if as_json:
            print_json(asdict(document))
        else:
            fix = fix_for_terminal(document.source, document.fix)
            problem = f"  {document.problem} {fix}" if document.problem else ""
            click.echo(f"{document.state:<8} {document.passages:>6}  {document.source}{problem}")


@rag.command()
@click.argument("collection")
@click.argument("sources", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports_errors
def remove(collection: str, sources: tuple[str, ...], yes: bool) -> None:
    """Remove documents from a collection, or the whole collection.

    \b
    Example:
      workbench rag remove papers old.pdf
    """
    from rag.store import delete_collection, open_collection

    settings = load_settings()
    found = open_collection(settings, collection)
    known = [document.source for document in found.documents()]
    chosen = [source for source in known if source in sources or Path(source).name in sources]
    if sources and not chosen:
        raise InvalidInput(
            say(
                "{collection} has no document {sources}.",
                collection=collection,
                sources=", ".join(sources),
            ),
            say("See: workbench rag show {collection}", collection=collection),
        )
    if sources:
        what = f"{len(chosen)} documents from {collection}"
    else:
        what = f"{collection} with {len(known)} documents"
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
@click.option("--embedder", help="The embedder to use from now on; else that of new collections.")
@json_option
@reports_errors
def reindex(collection: str, embedder: str | None, as_json: bool) -> None:
    """Embed a collection again, with the embedder in the settings or another.

    \b
    Example:
      workbench rag reindex papers --embedder ollama:bge-m3
    """
    from rag.reindex import reindex as run

    settings = load_settings()
    with reporting(as_json) as report:
        found = run(collection, embedder or settings.embedder, settings, report)
    facts = {"collection": found.name, "embedder": found.embedder, "dimension": found.dimension}
    if as_json:
        print_json({"event": "done", **facts})
    else:
        click.echo(f"{found.name} now uses {found.embedder}")


def read_passwords(given: Sequence[str]) -> dict[str, str]:
    """File name, or `*` for every file -> password.

    `FILE=WORD` is for one file. A word alone, or WORKBENCH_FILE_PASSWORD, is for every file.
    """
    found: dict[str, str] = {}
    common = os.environ.get("WORKBENCH_FILE_PASSWORD")
    if common:
        found["*"] = common
    for option in given:
        name, _, word = option.rpartition("=")
        found[name or "*"] = word
    return found
