"""Collections <-> an index.db of their own, which travels to another workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from rag.calibration import load_calibration, store_calibration
from rag.catalogue import STORE, Catalogue
from rag.lexical_files import lexical_index
from rag.passages import Document, Passage
from rag.store import (
    Collection,
    create_collection,
    delete_collection,
    list_collections,
    open_collection,
)
from workbench.carry.kinds import Kind
from workbench.errors import NotFound
from workbench.settings import Settings

BATCH = 256  # passages that are in memory, unless one document has more
COMING = ".coming-"  # begins the hidden name of a collection that is not whole yet


def put(settings: Settings, names: Sequence[str], folder: Path) -> None:
    """Write the collections into an `index.db` in that folder, with what was learned of them."""
    there = settings.model_copy(update={"home": folder})
    catalogue = Catalogue(folder / STORE.name)
    for name in names:
        collection = open_collection(settings, name)
        catalogue.add_collection(name, collection.embedder, collection.dimension)
        copy = open_collection(there, name)
        row = catalogue.collection(name)
        assert row
        for batch in _batches(collection):
            catalogue.replace(row["id"], *batch)
        _carry_calibration(collection, copy)


def take(part: Settings, name: str, settings: Settings) -> None:
    """Put the collection into the workspace; one of that name goes once this one is whole."""
    source = open_collection(part, name)
    coming = f"{COMING}{name}"[:63]
    with suppress(NotFound):
        delete_collection(settings, coming)  # what a killed one left
    target = create_collection(settings, coming, source.embedder, source.dimension)
    try:
        with target.writing():
            for batch in _batches(source):
                target.replace(*batch)
        _carry_calibration(source, target)
        with target.writing():
            if name in [one.name for one in list_collections(settings, hidden=True)]:
                open_collection(settings, name).delete()
            target.rename(name)
    except BaseException:
        with suppress(NotFound):
            delete_collection(settings, coming)
        raise
    lexical_index(open_collection(settings, name))


def _names(settings: Settings) -> list[str]:
    if not (settings.home / STORE.name).exists():
        return []
    return [collection.name for collection in list_collections(settings)]


def _batches(
    collection: Collection,
) -> Iterator[tuple[list[Document], list[Passage], np.ndarray]]:
    """(documents, all their passages, vectors), some at a time."""
    documents: list[Document] = []
    passages: list[Passage] = []
    for document in collection.documents():
        documents.append(document)
        passages += collection.document(document.source)
        if len(passages) >= BATCH or len(documents) >= BATCH:
            yield documents, passages, _vectors(collection, passages)
            documents, passages = [], []
    if documents:
        yield documents, passages, _vectors(collection, passages)


def _vectors(collection: Collection, passages: Sequence[Passage]) -> np.ndarray:
    _, vectors = collection.passages_and_vectors([passage.id for passage in passages])
    return vectors


def _carry_calibration(source: Collection, target: Collection) -> None:
    learned = load_calibration(source)
    if learned.passages:
        store_calibration(target, replace(learned, revision=target.revision))


COLLECTION = Kind(["uploads/{name}"], _names, put, take)
