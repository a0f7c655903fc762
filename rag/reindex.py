"""A collection and another embedder -> the same passages with new vectors, index and weights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from rag.calibration import calibrate
from rag.embeddings import is_new_here, load_embedder
from rag.progress import Progress, Report
from rag.store import Collection, check_may_write, open_collection
from workbench.confined import check_name
from workbench.settings import Settings

BATCH = 256  # passages embedded between two reports


def reindex(
    collection_name: str, embedder: str, settings: Settings, report: Report = lambda event: None
) -> Collection:
    """Embed every passage again; the old index serves until the new one is complete.

    Raises NotFound, Unavailable.
    """
    check_may_write(settings, collection_name)
    check_name(embedder, settings)
    collection = open_collection(settings, collection_name)
    progress = Progress(report, collection_name, collection.count())
    if is_new_here(embedder, settings):
        progress.preparing()
    encoder = load_embedder(embedder, settings)
    with collection.writing(progress.waiting):
        progress.total = collection.count()

        def batches() -> Iterator[tuple[list[str], np.ndarray]]:
            passages = collection.texts()
            done = 0
            while part := list(islice(passages, BATCH)):
                ids = [name for name, _ in part]
                yield ids, encoder.embed([text for _, text in part])
                done += len(part)
                progress.embedded(done)

        collection.reembed(embedder, encoder.dimension, batches())
    if progress.total:
        progress.calibrating()
        calibrate(collection, settings)
    return collection
