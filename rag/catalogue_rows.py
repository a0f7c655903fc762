"""Documents, passages and vectors <-> the rows of the catalogue's tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from rag.passages import Document, Locator, Passage
from workbench.messages import Message, pack, unpack

PACKED = '{"template": '  # how a stored message begins; other languages say it by its template


def document_row(collection: int, document: Document) -> tuple[Any, ...]:
    row = {**asdict(document), "problem": _stored(document.problem), "fix": _stored(document.fix)}
    return collection, *row.values()


def read_document(row: tuple[Any, ...]) -> Document:
    source, sha256, size, modified, state, problem, fix, passages = row
    return Document(
        source, sha256, size, modified, state, _restored(problem), _restored(fix), passages
    )


def passage_row(collection: int, passage: Passage, vector: np.ndarray) -> tuple[Any, ...]:
    place = json.dumps(asdict(passage.locator), ensure_ascii=False)
    named = (passage.id, passage.source, passage.position, passage.text)
    return collection, *named, place, blob(vector)


def read_passage(row: tuple[Any, ...]) -> Passage:
    name, text, source, position, place = row[:5]
    return Passage(name, text, source, position, Locator.from_dict(json.loads(place)))


def blob(vector: np.ndarray) -> bytes:
    return vector.astype(np.float32).tobytes()


def _stored(text: str) -> str:
    """A message with its template and values, so that a page can say it in its language."""
    return json.dumps(pack(text), ensure_ascii=False) if isinstance(text, Message) else text


def _restored(text: str) -> str:
    return unpack(json.loads(text)) if text.startswith(PACKED) else text
