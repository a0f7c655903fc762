"""Documents and their blocks -> passages, vectors and index, in batches.

One batch is written while the next one is embedded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from rag.embeddings import check_dimension
from rag.passages import Document, Passage
from rag.problems import why_empty
from rag.progress import Progress
from rag.reading import Result
from rag.sentence_models import Embedder
from rag.splitter import split
from rag.store import Collection
from workbench.errors import WorkbenchError

BATCH = 256  # passages, or documents, that are embedded and committed together
SLICE = 4 * BATCH  # passages of one call to the embedder; longer calls would leave the bar still


class IndexWriter:
    """A context manager inside `Collection.writing()`; leaving it writes the last batch.

    `written` is called with each document once it is in the index.
    """

    def __init__(
        self,
        collection: Collection,
        encoder: Embedder,
        progress: Progress,
        written: Callable[[Document], None],
    ) -> None:
        self._collection = collection
        self._encoder = encoder
        self._progress = progress
        self._report_written = written
        self._documents: list[Document] = []
        self._passages: list[Passage] = []
        self._in_flight: list[Document] = []
        self._thread = ThreadPoolExecutor(1, "index")
        self._job: Future[None] | None = None

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what was read, also after an error in the reading. Errors of writing are raised."""
        try:
            if kind is None or issubclass(kind, WorkbenchError):
                self._flush()
            self._finish_job()
        finally:
            self._thread.shutdown()

    def add(self, document: Document, result: Result) -> None:
        """Take one file's blocks, or its error."""
        if isinstance(result, WorkbenchError):
            failed = replace(document, state="failed", problem=result.problem, fix=result.fix)
            self._documents.append(failed)
        else:
            passages = split(result, document.source)
            state = "indexed" if passages else "empty"
            self._passages += passages
            problem, fix = ("", "") if passages else why_empty(Path(document.source))
            self._documents.append(
                replace(document, state=state, problem=problem, fix=fix, passages=len(passages))
            )
        if len(self._passages) >= BATCH or len(self._documents) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._documents:
            return
        vectors = self._embed(self._passages)
        self._finish_job()
        self._job = self._thread.submit(
            self._collection.replace, self._documents, self._passages, vectors
        )
        self._in_flight = self._documents
        self._documents = []
        self._passages = []

    def _finish_job(self) -> None:
        """Wait until the batch before is written, and report its files."""
        if self._job is None:
            return
        self._job.result()
        self._job = None
        for document in self._in_flight:
            self._report_written(document)

    def _embed(self, passages: Sequence[Passage]) -> np.ndarray:
        vectors = np.zeros((len(passages), self._collection.dimension), np.float32)
        for start in range(0, len(passages), SLICE):
            part = passages[start : start + SLICE]
            end = start + len(part)
            embedded = self._encoder.embed([passage.text for passage in part])
            check_dimension(embedded, self._collection.dimension)
            vectors[start:end] = embedded
            if len(passages) > SLICE:
                self._progress.embedding(Path(part[-1].source), end, len(passages))
        return vectors
