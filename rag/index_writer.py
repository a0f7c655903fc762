"""Passages with their vectors -> the index, in batches.

One batch is written while the next one is embedded.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from rag.engines.parts import Embedded
from rag.passages import Document, Passage
from rag.store import Collection
from workbench.errors import WorkbenchError

BATCH = 256  # passages, or documents, that are committed together


class IndexWriter:
    """A context manager inside `Collection.writing()`; leaving it writes the last batch.

    `written` is called with each document once it is in the index.
    """

    def __init__(self, collection: Collection, written: Callable[[Document], None]) -> None:
        self._collection = collection
        self._report_written = written
        self._documents: list[Document] = []
        self._passages: list[Passage] = []
        self._vectors: list[np.ndarray] = []
        self._in_flight: list[Document] = []
        self._thread = ThreadPoolExecutor(1, "index")
        self._job: Future[None] | None = None

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what was embedded, also after an error. Errors of writing are raised."""
        try:
            if kind is None or issubclass(kind, WorkbenchError):
                self._flush()
            self._finish_job()
        finally:
            self._thread.shutdown()

    def add(self, part: Embedded) -> None:
        """Take documents with all their passages."""
        self._documents += part.documents
        self._passages += part.passages
        self._vectors.append(part.vectors)
        if len(self._passages) >= BATCH or len(self._documents) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._documents:
            return
        vectors = np.concatenate(self._vectors)
        self._finish_job()
        self._job = self._thread.submit(
            self._collection.replace, self._documents, self._passages, vectors
        )
        self._in_flight = self._documents
        self._documents, self._passages, self._vectors = [], [], []

    def _finish_job(self) -> None:
        """Wait until the batch before is written, and report its files."""
        if self._job is None:
            return
        self._job.result()
        self._job = None
        for document in self._in_flight:
            self._report_written(document)
