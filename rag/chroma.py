"""Vectors of one collection -> Chroma, embedded or a server -> the nearest passages.

Chroma follows the catalogue and can be rebuilt from it. Its errors become WorkbenchErrors here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from rag.chroma_files import check_files
from rag.passages import Passage
from workbench.errors import Damaged, InvalidInput, Unavailable, WorkbenchError
from workbench.files import remove
from workbench.machine_keyring import mark_of
from workbench.messages import say
from workbench.settings import Settings
from workbench.sqlite_file import inode_of

BATCH = 2000  # passages sent to Chroma at a time; its own limit is 5,461
PORT = 8000  # of a Chroma server whose address names none
# Cosine, as the embedders are trained. Twice Chroma's usual effort: recall against exact search.
HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200}
# passages -> ef_search: among 745,000 made vectors, which are harder than a model's, 200 finds .64
# of the nearest, 500 finds .79 and 1000 .87
EFFORTS = ((250_000, 1000), (50_000, 400), (0, 200))

_lock = threading.RLock()  # one thread at a time: another may close and reopen the client
_seen: dict[tuple[Path, int], int] = {}  # (workspace, collection) -> revision the client knows
KEPT = 16  # clients of workspaces that stay open
_clients: dict[tuple[str, Path], Any] = {}  # (address, Chroma's folder) -> its client
_opened: dict[Path, int] = {}  # Chroma's folder -> inode of the file that its client has open
DAMAGED = re.compile(r"code: (11|26)\b|hnsw|pickle|no such (table|column)|malformed|corrupt", re.I)


class ChromaIndex:
    """The vectors of one collection.

    `generation` counts the embedders that the collection has had; each has its own index.
    `revision` gives the newest revision of the collection in the catalogue.
    """

    def __init__(
        self, settings: Settings, collection: int, generation: int, revision: Callable[[], int]
    ) -> None:
        self.generation = generation
        self._settings = settings
        self._collection = collection
        self._revision = revision

    def state(self) -> tuple[int, int] | None:
        """Another one after whatever may have changed the index; None where a server has it."""
        if self._settings.chroma_url:
            return None
        return self._revision(), _inode(self._folder)

    def nearest(
        self, vectors: np.ndarray, k: int, where: dict[str, Any] | None = None
    ) -> list[dict[str, float]]:
        """For each row of the vectors, passage id -> cosine similarity of the k nearest.

        Best first.
        """
        with maps_chroma_errors(self._settings):
            found = self.handle().query(
                query_embeddings=vectors,
                n_results=k,
                where=where or None,
                include=["distances"],
            )
        rows = zip(found["ids"], found["distances"], strict=True)
        return [_cosines(names, distances) for names, distances in rows]

    def matching(
        self, where: dict[str, Any], *, most: int | None = None, among: Sequence[str] = ()
    ) -> list[str]:
        """Ids of the passages that the filter accepts: of all, `most` of them, or `among` some."""
        with maps_chroma_errors(self._settings):
            if not among:
                return self.handle().get(where=where, limit=most, include=[])["ids"]
            found: list[str] = []
            for start in range(0, len(among), BATCH):
                part = list(among[start : start + BATCH])
                found += self.handle().get(ids=part, where=where, include=[])["ids"]
            return found

    def ids(self) -> set[str]:
        with maps_chroma_errors(self._settings):
            return set(self.handle().get(include=[])["ids"])

    def count(self) -> int:
        with maps_chroma_errors(self._settings):
            return self.handle().count()

    def upsert(self, passages: Sequence[Passage], vectors: np.ndarray) -> None:
        """Add or replace vectors, float32 (passages, dimension).

        The texts stay out: the catalogue has them, and Chroma's own index of texts takes two
        thirds of the time.
        """
        with maps_chroma_errors(self._settings):
            chroma = self.handle()
            for start in range(0, len(passages), BATCH):
                part = passages[start : start + BATCH]
                chroma.upsert(
                    ids=[passage.id for passage in part],
                    embeddings=vectors[start : start + BATCH],
                    metadatas=[_metadata(passage) for passage in part],
                )

    def delete(self, ids: Sequence[str]) -> None:
        with maps_chroma_errors(self._settings):
            for start in range(0, len(ids), BATCH):
                self.handle().delete(ids=list(ids[start : start + BATCH]))

    def look_far_enough(self, passages: int) -> None:
        """Search a large index more widely. Holds for clients that open it from now on."""
        wanted = next(effort for size, effort in EFFORTS if passages >= size)
        with maps_chroma_errors(self._settings):
            chroma = self.handle()
            if chroma.configuration_json["hnsw"]["ef_search"] != wanted:
                chroma.modify(configuration={"hnsw": {"ef_search": wanted}})
                close_client(self._settings)

    def drop(self, generation: int) -> None:
        """Delete the index of that generation, if it exists."""
        self._drop(lambda name: name == self._name(generation))

    def drop_all(self) -> None:
        """Delete every index of the collection."""
        self._drop(lambda name: name.startswith(self.prefix))

    def saw_own_change(self) -> None:
        """Note that the newest revision is our own work, so the client need not be reopened."""
        _seen[self._key] = self._revision()

    def handle(self) -> Any:
        """Chroma's own collection object.

        An embedded client does not see what another process writes: it is reopened then.
        """
        revision = self._revision()
        if not self._settings.chroma_url:
            folder = self._folder
            replaced = folder in _opened and _opened[folder] != _inode(folder)
            if replaced or _seen.get(self._key, revision) != revision:
                close_client(self._settings)
        _seen[self._key] = revision
        return _handle(*self._place, self._name(self.generation))

    @cached_property
    def _folder(self) -> Path:
        return self._settings.folder("chroma")

    @property
    def _key(self) -> tuple[Path, int]:
        return self._settings.home, self._collection

    @property
    def _place(self) -> tuple[str, Path]:
        return self._settings.chroma_url, self._folder

    def _name(self, generation: int) -> str:
        return f"{self.prefix}{generation}"

    @property
    def prefix(self) -> str:
        """How its names begin. A server may be shared by spaces, each of which counts from 1."""
        mark = mark_of(self._settings.home).lower()
        space = f"space-{mark}-" if mark and self._settings.chroma_url else ""
        return f"{space}collection-{self._collection}-"

    def _drop(self, chosen: Callable[[str], bool]) -> None:
        with maps_chroma_errors(self._settings):
            client = _client(*self._place)
            for found in client.list_collections():
                if chosen(found.name):
                    client.delete_collection(found.name)


def close_client(settings: Settings) -> None:
    """Close the embedded client; the next use opens the files again."""
    _close(settings.folder("chroma"))


def _close(folder: Path) -> None:
    """Close the client of that folder alone: those of other workspaces stay as they are."""
    client = _clients.pop(("", folder), None)
    if client is not None:
        client.close()
    _opened.pop(folder, None)
    for key in [key for key in _seen if key[0] == folder.parent]:
        del _seen[key]
    forget_handles()


def remove_index(settings: Settings) -> None:
    """Delete Chroma's folder, of which the catalogue has everything. Only under its lock."""
    with _lock:
        close_client(settings)
        remove(settings.folder("chroma"))
        forget_handles()


def forget_handles() -> None:
    """Ask Chroma for its collections again: a server may have lost them."""
    _handle.cache_clear()


@contextmanager
def maps_chroma_errors(settings: Settings) -> Iterator[None]:
    """One thread at a time; the exceptions of Chroma and of its transport as WorkbenchErrors."""
    import chromadb.errors
    import httpx

    try:
        with _lock:
            yield
    except WorkbenchError:
        raise
    except (httpx.HTTPError, ConnectionError) as error:
        raise _no_server(settings) from error
    except ValueError as error:
        if "connect" in str(error).lower():  # how Chroma's client reports a server that is down
            raise _no_server(settings) from error
        raise InvalidInput(
            say("Chroma refuses this: {error}", error=error),
            "Correct the filter or the collection's name.",
        ) from error
    except chromadb.errors.ChromaError as error:
        raise _failed(error, settings) from error
    except BaseException as error:
        # a panic of Chroma's Rust is no Exception, and its class cannot be imported
        if type(error).__name__ != "PanicException":
            raise
        raise _failed(error, settings) from error


def _cosines(names: Sequence[str], distances: Sequence[float]) -> dict[str, float]:
    return {name: 1 - distance for name, distance in zip(names, distances, strict=True)}


def _failed(error: BaseException, settings: Settings) -> WorkbenchError:
    """A failure of Chroma itself: of its files, or of the disk."""
    panic = not isinstance(error, Exception)
    if not settings.chroma_url and (panic or DAMAGED.search(str(error))):
        folder = settings.folder("chroma")
        return Damaged(say("{path} is damaged: {error}", path=folder, error=error))
    return Unavailable(
        say("Chroma failed: {error}", error=error),
        "Check disk space; the passages are kept, run the command again to mend the index.",
    )


def _no_server(settings: Settings) -> Unavailable:
    return Unavailable(
        say("The Chroma server does not answer at {chroma_url}.", chroma_url=settings.chroma_url),
        "Start it, or unset WORKBENCH_CHROMA_URL to keep the index in the workspace.",
    )


def _metadata(passage: Passage) -> dict[str, Any]:
    """What a person can filter by: `source`, `type` (the file's ending), `page`, `sheet`."""
    place = passage.locator
    metadata: dict[str, Any] = {
        "source": passage.source,
        "type": Path(passage.source).suffix.lower().lstrip(".") or "none",
    }
    if place.page:
        metadata["page"] = place.page
    if place.sheet:
        metadata["sheet"] = place.sheet
    return metadata


def _client(url: str, folder: Path) -> Any:
    """The client of that server or folder, the last used at the end; KEPT of folders stay open."""
    key = (url, Path() if url else folder)
    client = _clients.pop(key, None) or _connect(url, folder)
    _clients[key] = client
    folders = [place for address, place in _clients if not address]
    for old in folders[:-KEPT]:
        _close(old)
    return client


def _connect(url: str, folder: Path) -> Any:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient

    options = chromadb.Settings(anonymized_telemetry=False)
    if url:
        address = urlsplit(url if "//" in url else f"http://{url}")
        return chromadb.HttpClient(
            host=address.hostname or "",
            port=address.port or PORT,
            ssl=address.scheme == "https",
            settings=options,
        )
    check_files(folder)
    try:
        client = chromadb.PersistentClient(str(folder), options)
        _opened[folder] = _inode(folder)
        return client
    except BaseException:  # a full disk: Chroma would return the half-made client ever after
        SharedSystemClient.clear_system_cache()
        raise


def _inode(folder: Path) -> int:
    return inode_of(folder / "chroma.sqlite3")


@lru_cache(maxsize=64)  # asking Chroma for a collection costs more than the search in it
def _handle(url: str, folder: Path, name: str) -> Any:
    return _client(url, folder).get_or_create_collection(
        name, configuration={"hnsw": HNSW}, embedding_function=None
    )
