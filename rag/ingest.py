"""Files and folders -> a collection: what is new or changed is read, split, embedded and indexed.

Killed at any moment and run again, it ends with the same index: a document enters in one
transaction with all its passages, and the next run mends what a killed one left in Chroma.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.calibration import calibrate, count_by_language, load_calibration, refresh
from rag.catalogue import place_of
from rag.embeddings import is_new_here, load_embedder
from rag.engines.local import embed_here
from rag.engines.parts import Engine, cut
from rag.index_writer import IndexWriter
from rag.lexical_files import lexical_index
from rag.passages import Document
from rag.progress import Progress, Report
from rag.sentence_models import Embedder
from rag.sources import compare, find_files, find_gone
from rag.store import (
    Collection,
    check_may_write,
    create_collection,
    list_collections,
    open_collection,
)
from workbench.confined import check_name, inside
from workbench.errors import Conflict
from workbench.messages import say
from workbench.settings import Settings


@dataclass
class Outcome:
    """What an ingest did, in files. `passages` is the number in the collection afterwards.

    `left_out` has a sentence for each pipe, device and link that leads out of the folders.
    """

    indexed: int = 0
    unchanged: int = 0
    empty: int = 0
    removed: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    passages: int = 0

    @property
    def summary(self) -> str:
        """What became of the files, in one line."""
        counts = {"read": self.indexed, "empty": self.empty, "failed": len(self.failed)}
        if self.unchanged:
            return say(
                "Read {read}, unchanged {unchanged}, empty {empty}, failed {failed}",
                unchanged=self.unchanged,
                **counts,
            )
        return say("Read {read}, empty {empty}, failed {failed}", **counts)

    @property
    def usable(self) -> bool:
        """False where every file failed."""
        return not self.failed or bool(self.indexed or self.unchanged or self.empty)


def ingest(
    paths: Sequence[Path],
    collection_name: str,
    settings: Settings,
    *,
    embedder: str | None = None,
    passwords: Mapping[str, str] | None = None,
    prune: bool = False,
    again: bool = False,
    engine: Engine = embed_here,
    report: Report = lambda event: None,
) -> Outcome:
    """Bring the collection up to date with these files and folders; a new one is created.

    `passwords` maps file names (or `*`) to passwords. `prune` drops documents whose files have
    disappeared from the given folders. `again` reads unchanged files too. `engine` reads and
    embeds, this process writes. `report` receives progress events. Killed or stopped at any
    moment, it can be run again.
    Raises InvalidInput, Conflict, Unavailable.
    """
    outcome = Outcome()
    files = find_files([inside(path, settings) for path in paths], outcome.left_out)
    progress = Progress(report, collection_name, len(files))
    collection, encoder = _open(collection_name, embedder, settings, progress)
    with collection.writing(progress.waiting):
        known = {document.source: document for document in collection.documents()}
        if prune:
            gone = find_gone(known, paths, files)
            collection.remove(gone)
            outcome.removed = len(gone)
        fresh = _find_fresh(files, known, again, outcome, progress)
        parts = cut(fresh, _find_passwords(fresh, passwords or {}))
        writer = IndexWriter(
            collection, written=lambda document: _count(document, outcome, progress)
        )
        with writer, closing(engine(parts, encoder, settings, progress)) as embedded:
            for part in embedded:
                writer.add(part)
        outcome.passages = collection.count()
    lexical_index(collection)  # so that the first question does not wait for it
    if _needs_calibration(collection):
        progress.calibrating()
        calibrate(collection, settings)
    elif outcome.indexed or outcome.removed:
        refresh(collection, settings)
    return outcome


def _open(
    name: str, embedder: str | None, settings: Settings, progress: Progress
) -> tuple[Collection, Embedder]:
    """The collection, created where it is new, and its embedder."""
    place = place_of(settings, name)
    check_may_write(settings, name)
    if embedder and embedder not in {one.embedder for one in list_collections(settings)}:
        check_name(embedder, settings)
    if name not in [collection.name for collection in list_collections(place, hidden=True)]:
        encoder = _load(embedder or settings.embedder, settings, progress)
        try:
            collection = create_collection(settings, name, encoder.name, encoder.dimension)
        except Conflict:  # another process has just created it
            return _open_existing(name, embedder, settings, progress)
        return collection, encoder
    return _open_existing(name, embedder, settings, progress)


def _open_existing(
    name: str, embedder: str | None, settings: Settings, progress: Progress
) -> tuple[Collection, Embedder]:
    collection = open_collection(settings, name)
    if embedder and embedder != collection.embedder:
        raise Conflict(
            say(
                "The collection {name} uses the embedder {embedder}, not {other}.",
                name=name,
                embedder=collection.embedder,
                other=embedder,
            ),
            say(
                "Embed it again with: workbench rag reindex {name} --embedder {embedder}",
                name=name,
                embedder=embedder,
            ),
        )
    return collection, _load(collection.embedder, settings, progress)


def _load(name: str, settings: Settings, progress: Progress) -> Embedder:
    if is_new_here(name, settings):
        progress.preparing()
    return load_embedder(name, settings)


def _find_fresh(
    files: Sequence[Path],
    known: Mapping[str, Document],
    again: bool,
    outcome: Outcome,
    progress: Progress,
) -> list[Document]:
    """The files to read; the unchanged ones are counted."""
    fresh: list[Document] = []
    for path, document, must_be_read in compare(files, known, again):
        if must_be_read:
            fresh.append(document)
            continue
        if document.state == "indexed":
            outcome.unchanged += 1
        else:
            outcome.empty += 1
        progress.file(path, "unchanged")
    return fresh


def _find_passwords(files: Sequence[Document], given: Mapping[str, str]) -> dict[str, str]:
    """Source of each file that has a password, given by its path, its name, or `*` -> that."""
    found: dict[str, str] = {}
    for document in files:
        source = document.source
        word = given.get(source) or given.get(Path(source).name) or given.get("*")
        if word:
            found[source] = word
    return found


def _count(document: Document, outcome: Outcome, progress: Progress) -> None:
    path = Path(document.source)
    if document.state == "failed":
        failure: dict[str, Any] = {"problem": document.problem, "fix": document.fix}
        outcome.failed.append({"file": document.source, **failure})
        progress.file(path, document.state, **failure)
        return
    if document.state == "indexed":
        outcome.indexed += 1
    else:
        outcome.empty += 1
    progress.file(path, document.state, passages=document.passages)


def _needs_calibration(collection: Collection) -> bool:
    """Whether a language of the collection has doubled, or halved, since it was calibrated."""
    learned = load_calibration(collection).languages
    counts = count_by_language(collection)
    if set(counts) != set(learned):
        return bool(counts)
    return any(
        not learned[language] / 2 < count < 2 * learned[language]
        for language, count in counts.items()
    )
