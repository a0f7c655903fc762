"""Collections: named sets of passages, held by the catalogue and indexed in Chroma (embedded, or a server)."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from rag.catalogue import Catalogue, Document
from rag.passages import Passage
from workbench.errors import Conflict, InvalidInput, NotFound, Unavailable
from workbench.messages import say
from workbench.settings import Settings

NAME = re.compile(r"[\w][\w .-]{0,62}")
BATCH = 2000  # passages sent to Chroma at a time; its own limit is 5,461


_lock = threading.RLock()  # one thread at a time talks to Chroma: the client may be opened anew
_seen: dict[
    tuple[Path, int], int
] = {}  # (workspace, collection) -> revision that the open client knows


class Collection:
    """One collection. Reading needs no lock; `writing()` excludes other writers, in this process and in others."""

    def __init__(self, settings: Settings, row: dict[str, Any]) -> None:
        self._settings = settings
        self._catalogue = Catalogue(_catalogue_path(settings))
        self._id: int = row["id"]
        self.name: str = row["name"]
        self.embedder: str = row["embedder"]
        self.dimension: int = row["dimension"]
        self.created: str = row["created"]
        self._generation: int = row["generation"]

    @property
    def folder(self) -> Path:
        """For what is derived from the passages: the lexical index, the calibration."""
        return self._settings.folder("collections", str(self._id))

    @property
    def revision(self) -> int:
        """Grows with every change of the passages."""
        return self._catalogue.revision(self._id)

    def count(self) -> int:
        return self._catalogue.count(self._id)

    def documents(self) -> list[Document]:
        return self._catalogue.documents(self._id)

    def document(self, source: str) -> list[Passage]:
        """One document's passages in reading order."""
        return [passage for passage, _ in self._catalogue.passages(self._id, source=source)]

    def passages(self, ids: Sequence[str] | None = None) -> list[Passage]:
        """All passages in reading order, or the named ones as named (ids that are gone are left out)."""
        return [passage for passage, _ in self._catalogue.passages(self._id, ids)]

    def passages_and_vectors(self, ids: Sequence[str]) -> tuple[list[Passage], np.ndarray]:
        """The named passages and their vectors, float32 (n, dimension)."""
        found = self._catalogue.passages(self._id, ids)
        vectors = np.array([vector for _, vector in found], np.float32).reshape(
            len(found), self.dimension
        )
        return [passage for passage, _ in found], vectors

    def texts(self) -> Iterator[tuple[str, str]]:
        """(id, text) of every passage in reading order, one at a time."""
        return self._catalogue.texts(self._id)

    def nearest(
        self, vector: np.ndarray, k: int, where: dict[str, Any] | None = None
    ) -> list[tuple[str, float]]:
        """(passage id, cosine similarity) of the k nearest, best first; `where` is Chroma's metadata filter."""
        with _maps_chroma(self._settings):
            found = self._chroma().query(
                query_embeddings=[vector.tolist()],
                n_results=k,
                where=where or None,
                include=["distances"],
            )
        return [
            (name, 1 - distance)
            for name, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def matching(self, where: dict[str, Any]) -> set[str]:
        """Ids of the passages that the metadata filter lets through."""
        with _maps_chroma(self._settings):
            return set(self._chroma().get(where=where, include=[])["ids"])

    @contextmanager
    def writing(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Exclude other writers of the workspace and mend what a killed one left.

        Where another is at work, `waiting` is called once and then its turn is awaited.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self._settings.folder() / "index.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            lock.acquire()
        try:
            self.repair()
            yield
        finally:
            lock.release()

    def replace(
        self, documents: Sequence[Document], passages: Sequence[Passage], vectors: np.ndarray
    ) -> None:
        """Put documents with all their passages in place of those under the same sources. Only inside `writing()`."""
        gone = self._catalogue.replace(self._id, documents, passages, vectors)
        self._saw_own_change()
        self._upsert(passages, vectors)
        self._delete(gone)
        self._settle()

    def remove(self, sources: Sequence[str]) -> None:
        """Drop documents and their passages. Only inside `writing()`."""
        gone = self._catalogue.remove(self._id, sources)
        self._saw_own_change()
        self._delete(gone)
        self._settle()

    def repair(self) -> None:
        """Make Chroma hold exactly the catalogue's passages, after a writer was killed or its folder was lost."""
        row = self._catalogue.collection(self.name)
        _chroma_collection.cache_clear()  # a server may have lost it
        with _maps_chroma(self._settings):
            clean = row is not None and not row["dirty"] and self._chroma().count() == self.count()
            if clean:
                return
            present = set(self._chroma().get(include=[])["ids"])
        wanted = self._catalogue.ids(self._id)
        self._delete(sorted(present - set(wanted)))
        missing = [name for name in wanted if name not in present]
        for start in range(0, len(missing), BATCH):
            self._upsert(*self.passages_and_vectors(missing[start : start + BATCH]))
        self._settle()

    def reembed(
        self, embedder: str, dimension: int, batches: Iterator[tuple[list[str], np.ndarray]]
    ) -> None:
        """Take another embedder: `batches` gives every passage's id with its new vector.

        The new index is built beside the old one and takes its place in one transaction. Only inside `writing()`.
        """
        old, new = self._generation, self._generation + 1
        with _maps_chroma(self._settings):
            client = _client(self._settings.chroma_url, self._settings.folder("chroma"))
            if self._chroma_name(new) in [found.name for found in client.list_collections()]:
                client.delete_collection(self._chroma_name(new))
        self._generation = new
        try:
            vectors: dict[str, bytes] = {}
            for ids, rows in batches:
                self._upsert(self.passages(ids), rows)
                vectors |= {
                    name: row.astype(np.float32).tobytes()
                    for name, row in zip(ids, rows, strict=True)
                }
            with self._catalogue.connect() as database:
                database.executemany(
                    "update passages set vector = ? where collection = ? and id = ?",
                    [(vector, self._id, name) for name, vector in vectors.items()],
                )
                database.execute(
                    "update collections set embedder = ?, dimension = ?, generation = ?, revision = revision + 1"
                    " where id = ?",
                    (embedder, dimension, new, self._id),
                )
        except BaseException:
            self._generation = old
            raise
        self.embedder, self.dimension = embedder, dimension
        with _maps_chroma(self._settings):
            client.delete_collection(self._chroma_name(old))

    def _upsert(self, passages: Sequence[Passage], vectors: np.ndarray) -> None:
        with _maps_chroma(self._settings):
            chroma = self._chroma()
            for start in range(0, len(passages), BATCH):
                part = passages[start : start + BATCH]
                chroma.upsert(
                    ids=[passage.id for passage in part],
                    embeddings=vectors[start : start + BATCH],
                    metadatas=[_metadata(passage) for passage in part],
                )  # without the texts: the catalogue has them, and Chroma's index of them takes two thirds of the time

    def _delete(self, ids: Sequence[str]) -> None:
        with _maps_chroma(self._settings):
            for start in range(0, len(ids), BATCH):
                self._chroma().delete(ids=list(ids[start : start + BATCH]))

    def _chroma_name(self, generation: int) -> str:
        return f"collection-{self._id}-{generation}"

    def _settle(self) -> None:
        self._catalogue.settle(self._id)
        self._saw_own_change()

    def _saw_own_change(self) -> None:
        _seen[(self._settings.home, self._id)] = self.revision

    def _chroma(self) -> Any:
        """Chroma's collection. An embedded client does not see what another process writes: it is opened anew then."""
        key, revision = (self._settings.home, self._id), self.revision
        if not self._settings.chroma_url and _seen.get(key, revision) != revision:
            _client(self._settings.chroma_url, self._settings.folder("chroma")).close()
            _client.cache_clear()
            _chroma_collection.cache_clear()
            _seen.clear()
        _seen[key] = revision
        return _chroma_collection(
            self._settings.chroma_url,
            self._settings.folder("chroma"),
            self._chroma_name(self._generation),
        )


def create_collection(settings: Settings, name: str, embedder: str, dimension: int) -> Collection:
    """A new, empty collection; raises InvalidInput for a name that cannot be used, Conflict where it exists."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            say("{name!r} cannot name a collection.", name=name),
            "Use 1 to 63 letters (of any script), digits, spaces, dots, hyphens or underscores; begin with a letter.",
        )
    catalogue = Catalogue(_catalogue_path(settings))
    if catalogue.collection(name):
        raise Conflict(
            say("The collection {name} exists.", name=name),
            "Add files to it, or choose another name.",
        )
    with catalogue.connect() as database:
        database.execute(
            "insert into collections (name, embedder, dimension) values (?, ?, ?)",
            (name, embedder, dimension),
        )
    return open_collection(settings, name)


def open_collection(settings: Settings, name: str) -> Collection:
    """The collection of that name; raises NotFound with the names there are."""
    catalogue = Catalogue(_catalogue_path(settings))
    if row := catalogue.collection(name):
        return Collection(settings, row)
    there = ", ".join(catalogue.names())
    raise NotFound(
        say("There is no collection {name}.", name=name),
        f"There are: {there}."
        if there
        else f"Make it with: workbench rag ingest PATH --collection {name}",
    )


def list_collections(settings: Settings) -> list[Collection]:
    """All collections of the workspace, by name."""
    catalogue = Catalogue(_catalogue_path(settings))
    rows = [catalogue.collection(name) for name in catalogue.names()]
    return [Collection(settings, row) for row in rows if row]


def delete_collection(settings: Settings, name: str) -> None:
    """Delete a collection with its passages, vectors and what was derived from them."""
    collection = open_collection(settings, name)
    with collection.writing():
        with _maps_chroma(settings):
            client = _client(settings.chroma_url, settings.folder("chroma"))
            prefix = f"collection-{collection._id}-"
            for found in client.list_collections():
                if found.name.startswith(prefix):
                    client.delete_collection(found.name)
        with collection._catalogue.connect() as database:
            database.execute("delete from collections where id = ?", (collection._id,))
    shutil.rmtree(collection.folder, ignore_errors=True)


def _catalogue_path(settings: Settings) -> Path:
    return settings.folder() / "index.db"


def _metadata(passage: Passage) -> dict[str, Any]:
    """What a person can filter by: `source`, `type` (the file's ending), `page` and `sheet` where there are any."""
    place = passage.locator
    found = {
        "source": passage.source,
        "type": Path(passage.source).suffix.lower().lstrip(".") or "none",
    }
    return found | {
        key: value for key, value in (("page", place.page), ("sheet", place.sheet)) if value
    }


@lru_cache(maxsize=4)
def _client(url: str, folder: Path) -> Any:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient

    options = chromadb.Settings(anonymized_telemetry=False)
    if not url:
        try:
            return chromadb.PersistentClient(str(folder), options)
        except BaseException:  # a full disk: Chroma would hand out the half-made client ever after
            SharedSystemClient.clear_system_cache()
            raise
    address = urlsplit(url if "//" in url else f"http://{url}")
    return chromadb.HttpClient(
        host=address.hostname or "",
        port=address.port or 8000,
        ssl=address.scheme == "https",
        settings=options,
    )


@lru_cache(maxsize=64)  # asking for it again costs a query more than the search itself
def _chroma_collection(url: str, folder: Path, name: str) -> Any:
    return _client(url, folder).get_or_create_collection(
        name,
        configuration={"hnsw": {"space": "cosine", "ef_construction": 200, "ef_search": 200}},
        embedding_function=None,
    )


@contextmanager
def _maps_chroma(settings: Settings) -> Iterator[None]:
    """Chroma's and its transport's exceptions, in our words."""
    import chromadb.errors
    import httpx

    try:
        with _lock:
            yield
    except (httpx.HTTPError, ConnectionError) as error:
        raise _no_server(settings) from error
    except ValueError as error:
        if "connect" in str(error).lower():
            raise _no_server(settings) from error
        raise InvalidInput(
            say("Chroma refuses this: {error}", error=error),
            "Correct the filter or the collection's name.",
        ) from error
    except chromadb.errors.ChromaError as error:
        raise Unavailable(
            say("Chroma failed: {error}", error=error),
            "Check disk space; the passages are kept, run the command again to mend the index.",
        ) from error


def _no_server(settings: Settings) -> Unavailable:
    return Unavailable(
        say("The Chroma server does not answer at {chroma_url}.", chroma_url=settings.chroma_url),
        "Start it, or unset WORKBENCH_CHROMA_URL to keep the index in the workspace.",
    )
