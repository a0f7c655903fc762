"""Files and folders -> a collection: what is new or changed is read, split, embedded and put in; the rest stays.

Killed at any moment and run again, it ends with the same index: a document enters in one transaction with all its
passages, and what a killed run left half-way in Chroma is mended before the next one writes.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rag.calibration import calibrate, load_calibration
from rag.catalogue import Document
from rag.embeddings import Embedder, check_dimension, load_embedder
from rag.passages import Passage
from rag.reading import Result, read_files
from rag.retriever import lexical_index
from rag.splitter import split
from rag.store import Collection, create_collection, list_collections, open_collection
from workbench.errors import Conflict, InvalidInput, Stopped, WorkbenchError
from workbench.messages import say
from workbench.settings import Settings

WAITING = "Waiting for another job"
CALIBRATING = "Learning how to weigh words and meaning"
BATCH = 256  # passages embedded and committed together
SKIPPED = {"__pycache__", "node_modules", "__MACOSX"}

Report = Callable[[dict[str, Any]], None]


@dataclass
class Outcome:
    """What an ingest did. `passages` is what the collection holds now."""

    indexed: int = 0
    unchanged: int = 0
    empty: int = 0
    removed: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    passages: int = 0


def ingest(
    paths: Sequence[Path],
    collection_name: str,
    settings: Settings,
    *,
    embedder: str | None = None,
    passwords: Mapping[str, str] | None = None,
    prune: bool = False,
    report: Report = lambda event: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Bring the collection up to date with these files and folders, creating it where it is new.

    `passwords` maps file names (or `*`) to passwords; `prune` drops documents whose files are gone from the folders
    given; `report` receives progress events; `stopped` is asked between batches. Raises InvalidInput, Conflict,
    Stopped.
    """
    files = find_files(paths)
    collection, encoder = _open(collection_name, embedder, settings)
    outcome = Outcome()
    begun = time.monotonic()
    with collection.writing(
        waiting=lambda: report(
            {"event": "waiting", "stage": WAITING, "collection": collection_name}
        )
    ):
        known = {document.source: document for document in collection.documents()}
        if prune:
            gone = _gone(known, paths, files)
            collection.remove(gone)
            outcome.removed = len(gone)
        progress = _Progress(report, len(files), begun)
        fresh = _changed(files, known, outcome, progress)
        secrets = {path: word for path in fresh if (word := _password(path, passwords or {}))}
        with _Batch(collection, encoder, outcome, progress) as batch:
            for path, result in read_files(list(fresh), settings, secrets):
                batch.add(path, fresh[path], result)
                if stopped():
                    break
        if stopped():
            raise Stopped(
                say(
                    "Stopped after {done} of {files} files; what was read is kept.",
                    done=progress.done,
                    files=len(files),
                ),
                "Run the same command again to go on.",
            )
        outcome.passages = collection.count()
    if _needs_calibration(collection, outcome):
        report({"event": "calibrating", "stage": CALIBRATING, "collection": collection_name})
        calibrate(collection, settings)
    lexical_index(collection)  # so that the first question does not wait for it
    return outcome


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Every file under these paths, absolute, in order; hidden ones are skipped inside folders. Raises InvalidInput."""
    found: dict[Path, None] = {}
    for path in paths:
        path = path.expanduser().absolute()
        if path.is_dir():
            found |= dict.fromkeys(sorted(_walk(path)))
        elif path.exists():
            found[path] = None
        else:
            raise InvalidInput(say("{path} is not there.", path=path), "Check the path.")
    if not found:
        raise InvalidInput(
            say("There is no file in {str}.", str=", ".join(map(str, paths))),
            "Name a file, or a folder with files.",
        )
    return list(found)


def reindex(
    collection_name: str, embedder: str, settings: Settings, report: Report = lambda event: None
) -> Collection:
    """Embed every passage again with another embedder; the old index serves until the new one is whole."""
    collection = open_collection(settings, collection_name)
    encoder = load_embedder(embedder, settings)
    with collection.writing(
        waiting=lambda: report(
            {"event": "waiting", "stage": WAITING, "collection": collection_name}
        )
    ):
        passages = list(collection.texts())
        begun = time.monotonic()

        def batches() -> Iterator[tuple[list[str], np.ndarray]]:
            for start in range(0, len(passages), BATCH):
                part = passages[start : start + BATCH]
                yield [name for name, _ in part], encoder.embed([text for _, text in part])
                done = min(start + BATCH, len(passages))
                report(
                    {
                        "event": "progress",
                        "stage": "Embedding passages",
                        "done": done,
                        "of": len(passages),
                        "seconds": time.monotonic() - begun,
                    }
                )

        collection.reembed(embedder, encoder.dimension, batches())
    if passages:
        report({"event": "calibrating", "stage": CALIBRATING, "collection": collection_name})
        calibrate(collection, settings)
    return collection


def _open(name: str, embedder: str | None, settings: Settings) -> tuple[Collection, Embedder]:
    if name in [collection.name for collection in list_collections(settings)]:
        collection = open_collection(settings, name)
        if embedder and embedder != collection.embedder:
            raise Conflict(
                say(
                    "The collection {name} was made with the embedder {embedder}, not {embedder2}.",
                    name=name,
                    embedder=collection.embedder,
                    embedder2=embedder,
                ),
                say(
                    "Embed it again with: workbench rag reindex {name} --embedder {embedder}",
                    name=name,
                    embedder=embedder,
                ),
            )
        return collection, load_embedder(collection.embedder, settings)
    encoder = load_embedder(embedder or settings.embedder, settings)
    return create_collection(settings, name, encoder.name, encoder.dimension), encoder


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in SKIPPED]
        yield from (Path(root, name) for name in names if not name.startswith((".", "~$")))


def _gone(known: Mapping[str, Document], paths: Sequence[Path], files: Iterable[Path]) -> list[str]:
    """Sources under the given folders that are no longer files there."""
    folders = [path.expanduser().absolute() for path in paths if path.is_dir()]
    there = {str(path) for path in files}
    return [
        source
        for source in known
        if source not in there and any(Path(source).is_relative_to(folder) for folder in folders)
    ]


def _changed(
    files: Sequence[Path], known: Mapping[str, Document], outcome: Outcome, progress: _Progress
) -> dict[Path, Document]:
    """The files to read, each with what is known of it before; the unchanged ones are counted."""
    fresh: dict[Path, Document] = {}
    for path in files:
        old = known.get(str(path))
        try:
            status = path.stat()
            same = old is not None and (old.size, old.modified) == (
                status.st_size,
                status.st_mtime_ns,
            )
            if old and old.state != "failed" and (same or old.sha256 == _sha256(path)):
                outcome.unchanged += old.state == "indexed"
                outcome.empty += old.state == "empty"
                progress.file(path, "unchanged")
                continue
            fresh[path] = Document(str(path), _sha256(path), status.st_size, status.st_mtime_ns, "")
        except OSError:  # the reader says what is wrong with it
            fresh[path] = Document(str(path), "", 0, 0, "")
    return fresh


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _password(path: Path, passwords: Mapping[str, str]) -> str | None:
    return passwords.get(str(path)) or passwords.get(path.name) or passwords.get("*")


def _needs_calibration(collection: Collection, outcome: Outcome) -> bool:
    """The collection has grown to twice, or shrunk to half, of what its weights were learned from."""
    learned = load_calibration(collection).passages
    return outcome.passages > 0 and not learned / 2 < outcome.passages < max(2 * learned, 1)


@dataclass
class _Progress:
    """Counts files as they are done and says so."""

    report: Report
    files: int
    begun: float
    done: int = 0

    def file(self, path: Path, state: str, **more: Any) -> None:
        self.done += 1
        self.report(self._event(path, state) | more)

    def embedding(self, path: Path, passages: int, of: int) -> None:
        within = {"passages": passages, "share": round(passages / of, 4) if of else 0}
        self.report(self._event(path, "embedding") | within)

    def _event(self, path: Path, state: str) -> dict[str, Any]:
        return {
            "event": "progress",
            "stage": "Reading files",
            "file": str(path),
            "detail": path.name,
            "done": self.done,
            "of": self.files,
            "files": self.files,
            "seconds": round(time.monotonic() - self.begun, 2),
            "state": state,
        }


class _Batch:
    """Documents whose passages are embedded and committed together; one batch is written while the next is embedded."""

    def __init__(
        self, collection: Collection, encoder: Embedder, outcome: Outcome, progress: _Progress
    ) -> None:
        self._collection, self._encoder, self._outcome, self._progress = (
            collection,
            encoder,
            outcome,
            progress,
        )
        self._documents: list[Document] = []
        self._passages: list[Passage] = []
        self._writer = ThreadPoolExecutor(1, "index")
        self._written: Future[None] | None = None

    def __enter__(self) -> _Batch:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """What was read is written, also after an error in the reading; its own errors come out here."""
        try:
            if kind is None or issubclass(kind, WorkbenchError):
                self._flush()
            self._settle()
        finally:
            self._writer.shutdown()

    def add(self, path: Path, document: Document, result: Result) -> None:
        """Take one file's blocks, or its error."""
        if isinstance(result, WorkbenchError):
            self._documents.append(
                replace(document, state="failed", problem=result.problem, fix=result.fix)
            )
        else:
            passages = split(result, str(path))
            self._passages += passages
            state = "indexed" if passages else "empty"
            self._documents.append(replace(document, state=state, passages=len(passages)))
        if len(self._passages) >= BATCH or len(self._documents) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._documents:
            return
        vectors = self._embed(self._passages)
        self._settle()
        self._written = self._writer.submit(
            self._collection.replace, self._documents, self._passages, vectors
        )
        self._writing, self._documents, self._passages = self._documents, [], []

    def _settle(self) -> None:
        """Wait until the batch before is written, and say so of its files."""
        if self._written:
            self._written.result()
            self._written = None
            for document in self._writing:
                self._count(document)

    def _embed(self, passages: Sequence[Passage]) -> np.ndarray:
        vectors = np.zeros((len(passages), self._collection.dimension), np.float32)
        step = BATCH * 4
        for start in range(0, len(passages), step):
            part = passages[start : start + step]
            embedded = self._encoder.embed([passage.text for passage in part])
            check_dimension(embedded, self._collection.dimension)
            vectors[start : start + len(part)] = embedded
            if len(passages) > step:
                self._progress.embedding(Path(part[-1].source), start + len(part), len(passages))
        return vectors

    def _count(self, document: Document) -> None:
        more: dict[str, Any] = {"passages": document.passages}
        if document.state == "failed":
            more = {"problem": document.problem, "fix": document.fix}
            self._outcome.failed.append({"file": document.source, **more})
        else:
            self._outcome.indexed += document.state == "indexed"
            self._outcome.empty += document.state == "empty"
        self._progress.file(Path(document.source), document.state, **more)
