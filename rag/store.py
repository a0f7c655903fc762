"""Collections: named sets of passages, kept by the catalogue and indexed in Chroma."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, TypeVar

import numpy as np

from rag.catalogue import HIDDEN, Catalogue, place_of
from rag.chroma import BATCH, ChromaIndex, close_client, forget_handles, remove_index
from rag.passages import Document, Passage
from workbench.confined import check_may_change
from workbench.errors import Damaged, InvalidInput, NotFound, Unwritable
from workbench.files import locked
from workbench.messages import say
from workbench.settings import Settings

NAME = re.compile(r"\.?[\w][\w .-]{0,62}")

Found = TypeVar("Found")

# collection's folder -> state of Chroma's index when it was seen to have all passages: counting a
# million takes longer than searching them
_whole_in: dict[Path, tuple[int, int] | None] = {}


class Collection:
    """One collection. Readers need no lock; `writing()` excludes other writers and processes."""

    def __init__(self, settings: Settings, row: dict[str, Any]) -> None:
        self._settings = settings
        self._catalogue = Catalogue(_catalogue_path(settings))
        self._id: int = row["id"]
        self.name: str = row["name"]
        self.embedder: str = row["embedder"]
        self.dimension: int = row["dimension"]
        self.created: str = row["created"]
        self.changed: str = row["changed"] or row["created"]
        """When documents last came or went: `YYYY-MM-DD HH:MM:SS`, in UTC."""
        self.index = ChromaIndex(settings, self._id, row["generation"], lambda: self.revision)

    @cached_property
    def folder(self) -> Path:
        """For what is derived from the passages: the lexical index, the calibration."""
        return self._settings.folder("collections", str(self._id))

    @property
    def revision(self) -> int:
        """Grows with every change of the passages."""
        return self._catalogue.revision(self._id)

    def count(self) -> int:
        """The number of passages."""
        return self._catalogue.count(self._id)

    def documents(self) -> list[Document]:
        """The documents by source."""
        return self._catalogue.documents(self._id)

    def sources(self) -> list[str]:
        """The sources of the documents that can be searched, in order."""
        return self._catalogue.sources(self._id)

    def document(self, source: str) -> list[Passage]:
        """One document's passages in reading order."""
        return self._catalogue.passages_of(self._id, source)

    def passages(self) -> list[Passage]:
        """All passages in reading order."""
        return self._catalogue.passages(self._id)

    def passages_and_vectors(self, ids: Sequence[str]) -> tuple[list[Passage], np.ndarray]:
        """The passages of these ids, and their vectors, float32 (n, dimension).

        Ids that have disappeared are left out.
        """
        found = self._catalogue.with_vectors(self._id, ids)
        passages = [passage for passage, _ in found]
        vectors = np.array([vector for _, vector in found], np.float32)
        return passages, vectors.reshape(len(found), self.dimension)

    def ids(self) -> list[str]:
        """Every passage's id."""
        return self._catalogue.ids(self._id)

    def texts(self, ids: Sequence[str] | None = None) -> Iterator[tuple[str, str]]:
        """(id, text) in reading order, one at a time: of every passage, or of these alone."""
        if ids is None:
            return self._catalogue.texts(self._id)
        return self._catalogue.texts_of(self._id, ids)

    def nearest(
        self, vectors: np.ndarray, k: int, where: dict[str, Any] | None = None
    ) -> list[dict[str, float]]:
        """For each row of the vectors, passage id -> cosine similarity of the k nearest.

        Best first. `where` is Chroma's metadata filter. Raises InvalidInput, Unavailable.
        """
        return self._whole(lambda: self.index.nearest(vectors, k, where))

    def matching(
        self, where: dict[str, Any], *, most: int | None = None, among: Sequence[str] = ()
    ) -> list[str]:
        """Ids of the passages that the filter accepts: of all, `most` of them, or `among` some."""
        return self._whole(lambda: self.index.matching(where, most=most, among=among))

    def _whole(self, ask: Callable[[], Found]) -> Found:
        """Ask Chroma; where it lacks passages or is damaged, it is mended first."""
        try:
            state = self.index.state()
            if state is None or _whole_in.get(self.folder) != state:
                self._mend_for_readers()
                _whole_in[self.folder] = self.index.state()
            return ask()
        except Damaged:
            with locked(_catalogue_path(self._settings)):
                close_client(self._settings)
                with suppress(Damaged):
                    return ask()  # another process has mended it meanwhile
                _rebuild(self._settings)
            return ask()

    def _mend_for_readers(self) -> None:
        """Mend Chroma where it has lost passages, unless a writer is at it or none may write."""
        from filelock import Timeout

        if self.index.count() == self.count():
            return
        try:
            with locked(_catalogue_path(self._settings), timeout=0):
                self.repair()
        except (Timeout, Unwritable):
            return

    @contextmanager
    def writing(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Exclude other writers of the workspace, and mend what a killed one left.

        While another one writes, `waiting` is called once and the lock is awaited.
        """
        from filelock import Timeout

        check_may_write(self._settings, self.name)
        path = _catalogue_path(self._settings)
        with ExitStack() as lock:
            try:
                lock.enter_context(locked(path, timeout=0))
            except Timeout:
                waiting()
                lock.enter_context(locked(path))
            self.repair()
            yield
            if self._catalogue.revision(self._id) >= 0:  # else it was deleted
                self.index.look_far_enough(self.count())

    def replace(
        self, documents: Sequence[Document], passages: Sequence[Passage], vectors: np.ndarray
    ) -> None:
        """Put documents with all their passages in place of those of the same sources.

        `vectors` is float32 (passages, dimension). Only inside `writing()`.
        """
        gone = self._catalogue.replace(self._id, documents, passages, vectors)
        self.index.saw_own_change()
        self.index.upsert(passages, vectors)
        self.index.delete(gone)
        self._settle()

    def remove(self, sources: Sequence[str]) -> None:
        """Drop documents and their passages. Only inside `writing()`."""
        gone = self._catalogue.remove(self._id, sources)
        self.index.saw_own_change()
        self.index.delete(gone)
        self._settle()

    def repair(self) -> None:
        """Give Chroma exactly the catalogue's passages.

        They differ after a writer was killed, and after Chroma's folder or server was lost.
        """
        row = self._catalogue.collection(self.name)
        forget_handles()
        try:
            in_chroma = self.index.count()
        except Damaged:
            remove_index(self._settings)
            in_chroma = 0
        if row is not None and not row["dirty"] and in_chroma == self.count():
            return
        present = self.index.ids()
        wanted = self._catalogue.ids(self._id)
        self.index.delete(sorted(present.difference(wanted)))
        missing = [name for name in wanted if name not in present]
        for start in range(0, len(missing), BATCH):
            passages, vectors = self.passages_and_vectors(missing[start : start + BATCH])
            self.index.upsert(passages, vectors)
        self._settle()

    def reembed(
        self, embedder: str, dimension: int, batches: Iterator[tuple[list[str], np.ndarray]]
    ) -> None:
        """Take another embedder: `batches` gives every passage's id with its new vector.

        The new index is built beside the old one and replaces it in one transaction.
        Only inside `writing()`.
        """
        old = self.index.generation
        new = old + 1
        self.index.drop(new)  # what a killed run left
        self.index.generation = new
        try:
            with TemporaryFile(dir=self._settings.folder()) as file:
                vectors = self._index_again(batches, dimension, file)
                self._catalogue.reembed(self._id, embedder, dimension, new, vectors)
        except BaseException:
            self.index.generation = old
            raise
        self.embedder = embedder
        self.dimension = dimension
        self.index.drop(old)

    def rename(self, name: str) -> None:
        """Only inside `writing()`, and only to a name that no other collection has."""
        self._catalogue.rename(self._id, name)
        self.name = name

    def delete(self) -> None:
        """Delete the collection, its index and its folder. Only inside `writing()`."""
        self.index.drop_all()
        self._catalogue.delete_collection(self._id)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _index_again(
        self, batches: Iterator[tuple[list[str], np.ndarray]], dimension: int, file: IO[bytes]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Put the new vectors into Chroma; returns them all with their ids, by way of the file."""
        found: list[str] = []
        for ids, vectors in batches:
            passages, _ = self.passages_and_vectors(ids)
            self.index.upsert(passages, vectors)
            file.write(vectors.astype(np.float32).tobytes())
            found += ids
        if not found:
            return iter(())
        file.flush()
        kept = np.memmap(file, np.float32, "r", shape=(len(found), dimension))
        return zip(found, kept, strict=True)

    def _settle(self) -> None:
        self._catalogue.settle(self._id)
        self.index.saw_own_change()


def create_collection(settings: Settings, name: str, embedder: str, dimension: int) -> Collection:
    """A new, empty collection. Raises InvalidInput (name not allowed) or Conflict (name taken)."""
    check_name(name)
    check_may_write(settings, name)
    Catalogue(_catalogue_path(place_of(settings, name))).add_collection(name, embedder, dimension)
    return open_collection(settings, name)


def check_may_write(settings: Settings, name: str) -> None:
    """Raises Forbidden for a reader, who only gives files to chats."""
    if not name.startswith(HIDDEN):
        check_may_change(settings)


def check_name(name: str) -> None:
    """Raises InvalidInput where the name cannot be a collection's."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            say("{name!r} cannot name a collection.", name=name),
            "Use 1 to 63 letters (of any script), digits, spaces, dots, hyphens or underscores; "
            "begin with a letter.",
        )


def open_collection(settings: Settings, name: str) -> Collection:
    """The collection of that name. Raises NotFound, which lists the existing names."""
    place = place_of(settings, name)
    catalogue = Catalogue(_catalogue_path(place))
    row = catalogue.collection(name)
    if row:
        return Collection(place, row)
    raise _unknown(name, catalogue.names())


def check_names(settings: Settings, names: Sequence[str]) -> None:
    """Raises NotFound, which lists the existing names, for one of no collection; opens none."""
    for name in names:
        catalogue = Catalogue(_catalogue_path(place_of(settings, name)))
        if catalogue.collection(name) is None:
            raise _unknown(name, catalogue.names())


def _unknown(name: str, existing: Sequence[str]) -> NotFound:
    problem = say("There is no collection {name}.", name=name)
    if existing:
        return NotFound(problem, say("Choose one of: {names}.", names=", ".join(existing)))
    return NotFound(
        problem, say("Make it with: workbench rag ingest PATH --collection {name}", name=name)
    )


def list_collections(settings: Settings, *, hidden: bool = False) -> list[Collection]:
    """The collections of the workspace by name; the hidden ones, of programs, if asked."""
    catalogue = Catalogue(_catalogue_path(settings))
    rows = [catalogue.collection(name) for name in catalogue.names(hidden=hidden)]
    return [Collection(settings, row) for row in rows if row]  # one may have just been deleted


def rebuild_chroma(settings: Settings) -> list[str]:
    """Make Chroma's index again, of what the catalogue has; returns the collections' names.

    Raises what the catalogue and Chroma raise.
    """
    with locked(_catalogue_path(settings)):
        return _rebuild(settings)


def _rebuild(settings: Settings) -> list[str]:
    remove_index(settings)
    collections = list_collections(settings, hidden=True)
    for collection in collections:
        collection.repair()
    return [collection.name for collection in collections]


def delete_collection(settings: Settings, name: str) -> None:
    """Delete a collection with its passages, vectors and what was derived from them."""
    collection = open_collection(settings, name)
    with collection.writing():
        collection.delete()


def _catalogue_path(settings: Settings) -> Path:
    return settings.folder() / "index.db"
