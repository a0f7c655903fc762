"""A damaged index.db -> made again of its readable rows and of the files; then Chroma's index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from rag.catalogue import STORE, TABLES, drop_incomplete
from rag.chroma import close_client
from rag.chroma_files import check_files
from rag.ingest import ingest
from rag.store import list_collections, rebuild_chroma
from workbench.errors import Damaged, WorkbenchError
from workbench.files import locked, remove
from workbench.settings import Settings
from workbench.sqlite_recovery import problem_of, recover
from workbench.start.finding import Finding, Mended
from workbench.start.mending import told


def check_index(settings: Settings) -> Iterator[Finding]:
    """Whether the documents and Chroma's index can be read."""
    path = settings.folder() / "index.db"
    if not path.exists():
        return
    problem = problem_of(path, TABLES, STORE.newest)
    if problem:
        yield Finding("Documents", "broken", problem, "Run: workbench repair")
        return
    yield Finding("Documents", "ok", path.name)
    problem = _problem_of_chroma(settings)
    if problem:
        yield Finding("Chroma's index", "broken", problem, "Run: workbench repair")


def mend_index(settings: Settings) -> Iterator[Mended]:
    """Make index.db again, read the files again whose passages are lost, and build Chroma."""
    path = settings.folder() / "index.db"
    if problem_of(path, TABLES, STORE.newest):
        with locked(path):
            found = recover(path, STORE.make, TABLES)
            dropped = drop_incomplete(path)
            STORE.bring_up_to_date(path)
        # documents whose passages are incomplete are read again, so only the others are lost
        incomplete = tuple(table for table in found.incomplete if table != "passages")
        yield from told(path, replace(found, incomplete=incomplete), "passages and documents")
        for name, sources in dropped.items():
            yield from _read_again(name, sources, settings)
        for folder in settings.folder("collections").iterdir():
            remove(folder)  # made of the passages, by numbers that may have changed
        yield from _uploads_without_collection(settings)
        rebuild_chroma(settings)
        yield Mended("chroma: built again")
    elif path.exists() and _problem_of_chroma(settings):
        rebuild_chroma(settings)
        yield Mended("chroma: built again")


def _problem_of_chroma(settings: Settings) -> str:
    """Why Chroma's files cannot be used; empty for a server's, which are its own."""
    if settings.chroma_url:
        return ""
    try:
        check_files(settings.home / "chroma")
        for collection in list_collections(settings, hidden=True):
            if collection.index.count() != collection.count():
                return f"passages of {collection.name} are missing"
    except Damaged as error:
        return error.problem
    finally:
        close_client(settings)
    return ""


def _read_again(name: str, sources: list[str], settings: Settings) -> Iterator[Mended]:
    there = [Path(source) for source in sources if Path(source).is_file()]
    gone = [source for source in sources if not Path(source).is_file()]
    if there:
        try:
            ingest(there, name, settings)
            yield Mended(f"{name}: {len(there)} documents read again")
        except WorkbenchError as error:
            gone = sources
            yield Mended(f"{name}: {error.problem}", lost=True)
    if gone:
        yield Mended(f"{name}: read these again: {', '.join(gone)}", lost=True)


def _uploads_without_collection(settings: Settings) -> Iterator[Mended]:
    """Uploaded files whose collection was lost: they can be read again by a person's command."""
    names = {collection.name for collection in list_collections(settings, hidden=True)}
    uploads = settings.home / "uploads"
    with suppress(FileNotFoundError):
        for folder in sorted(uploads.iterdir()):
            if folder.is_dir() and folder.name not in names:
                command = f"workbench rag ingest {folder} --collection {folder.name}"
                yield Mended(f"the collection {folder.name}; run: {command}", lost=True)
