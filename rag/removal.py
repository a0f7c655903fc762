"""Documents taken out of a collection, whole, so that they can be put back as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.chroma import BATCH
from rag.passages import Document, Passage
from rag.store import Collection


@dataclass(frozen=True)
class Removed:
    """`vectors` is float32 (passages, dimension) of that embedder."""

    documents: list[Document]
    passages: list[Passage]
    vectors: np.ndarray
    embedder: str


def take_out(collection: Collection, sources: Sequence[str]) -> Removed:
    """Remove the documents of these sources; waits for other writers."""
    with collection.writing():
        documents = [entry for entry in collection.documents() if entry.source in sources]
        ids: list[str] = []
        for source in sources:
            ids += [passage.id for passage in collection.document(source)]
        passages, vectors = _with_vectors(collection, ids)
        collection.remove(sources)
    return Removed(documents, passages, vectors, collection.embedder)


def put_back(collection: Collection, removed: Removed) -> bool:
    """Undo the removal; False where the collection has another embedder since."""
    if collection.embedder != removed.embedder:
        return False
    with collection.writing():
        collection.replace(removed.documents, removed.passages, removed.vectors)
    return True


def _with_vectors(collection: Collection, ids: Sequence[str]) -> tuple[list[Passage], np.ndarray]:
    passages: list[Passage] = []
    vectors = [np.zeros((0, collection.dimension), np.float32)]
    for start in range(0, len(ids), BATCH):  # SQLite bounds the values of one query
        some, their_vectors = collection.passages_and_vectors(ids[start : start + BATCH])
        passages += some
        vectors.append(their_vectors)
    return passages, np.concatenate(vectors)
