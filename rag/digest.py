"""A collection -> one sum of all that is in it, in whatever order it came in."""

from __future__ import annotations

import hashlib

import numpy as np

from rag.passages import Document, Passage
from rag.store import Collection

AT_A_TIME = 1000  # passages whose vectors are in memory


def digest_of(collection: Collection) -> str:
    """sha256, in hexadecimal, of documents, passages, their ids and their vectors, bit for bit."""
    total = hashlib.sha256()
    for document in collection.documents():
        total.update(repr(_facts(document)).encode())
    names = [passage.id for passage in collection.passages()]
    for start in range(0, len(names), AT_A_TIME):
        passages, vectors = collection.passages_and_vectors(names[start : start + AT_A_TIME])
        for passage, vector in zip(passages, vectors, strict=True):
            total.update(repr(_content(passage)).encode())
            total.update(np.asarray(vector, "<f4").tobytes())
    return total.hexdigest()


def _facts(document: Document) -> tuple[object, ...]:
    words = (document.state, str(document.problem), str(document.fix))
    return (document.source, document.sha256, *words, document.passages)


def _content(passage: Passage) -> tuple[object, ...]:
    return (passage.id, passage.text, passage.source, passage.position, str(passage.locator))
