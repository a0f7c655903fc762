"""Files -> parts, each of which is read and embedded as one, wherever that is done.

A vector depends a little on the texts that are embedded with it (cosine 0.9999). So parts are cut
by the list of files alone: one process and many workers make the same index, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rag.embeddings import check_dimension
from rag.passages import Document, Passage
from rag.problems import why_empty
from rag.progress import Progress
from rag.reading import Result
from rag.sentence_models import Embedder
from rag.splitter import split
from workbench.errors import WorkbenchError
from workbench.settings import Settings

MOST_FILES = 64
MOST_BYTES = 500_000  # of the files of one part, unless a single file has more
SLICE = 1024  # passages of one call to the embedder; longer calls would leave the bar still

Told = Callable[[Path, int, int], None]
"""Called with (file, passages embedded, passages of the part) between slices of a large part."""


@dataclass(frozen=True)
class Part:
    """Documents to be read. `passwords` maps their sources; `tries` counts the workers it ended."""

    documents: tuple[Document, ...]
    passwords: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0

    def one_by_one(self) -> list[Part]:
        """A part for each document."""
        return [replace(self, documents=(document,)) for document in self.documents]


@dataclass(frozen=True)
class Embedded:
    """Documents as they are now known, all their passages, and float32 (passages, dimension)."""

    documents: list[Document]
    passages: list[Passage]
    vectors: np.ndarray


Engine = Callable[[Sequence[Part], Embedder, Settings, Progress], Generator[Embedded, None, None]]
"""Reads and embeds every part once. The order is the engine's; `close()` ends its work."""


def cut(documents: Iterable[Document], passwords: Mapping[str, str]) -> list[Part]:
    """The documents in parts, in their order."""
    parts: list[Part] = []
    waiting: list[Document] = []
    size = 0
    for document in documents:
        if waiting and (len(waiting) == MOST_FILES or size + document.size > MOST_BYTES):
            parts.append(_part(waiting, passwords))
            waiting, size = [], 0
        waiting.append(document)
        size += document.size
    if waiting:
        parts.append(_part(waiting, passwords))
    return parts


def _part(documents: Sequence[Document], passwords: Mapping[str, str]) -> Part:
    own = {
        document.source: passwords[document.source]
        for document in documents
        if document.source in passwords
    }
    return Part(tuple(documents), own)


def embed(
    documents: Sequence[Document],
    results: Iterable[Result],
    encoder: Embedder,
    tell: Told = lambda path, done, of: None,
) -> Embedded:
    """What was read of the documents, in their order, split and embedded together."""
    known: list[Document] = []
    passages: list[Passage] = []
    for document, result in zip(documents, results, strict=True):
        if isinstance(result, WorkbenchError):
            known.append(as_failed(document, result))
            continue
        found = split(result, document.source)
        passages += found
        known.append(_as_read(document, len(found)))
    return Embedded(known, passages, _vectors(passages, encoder, tell))


def as_failed(document: Document, error: WorkbenchError) -> Document:
    """The document with what kept it from being read."""
    return replace(document, state="failed", problem=error.problem, fix=error.fix)


def _as_read(document: Document, passages: int) -> Document:
    if passages:
        return replace(document, state="indexed", passages=passages)
    problem, fix = why_empty(Path(document.source))
    return replace(document, state="empty", problem=problem, fix=fix)


def _vectors(passages: Sequence[Passage], encoder: Embedder, tell: Told) -> np.ndarray:
    vectors = np.zeros((len(passages), encoder.dimension), np.float32)
    for start in range(0, len(passages), SLICE):
        part = passages[start : start + SLICE]
        end = start + len(part)
        embedded = encoder.embed([passage.text for passage in part])
        check_dimension(embedded, encoder.dimension)
        vectors[start:end] = embedded
        if len(passages) > SLICE:
            tell(Path(part[-1].source), end, len(passages))
    return vectors
