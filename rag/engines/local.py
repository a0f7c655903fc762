"""Parts -> passages and vectors in this process; children read the files ahead of the embedder."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from rag.engines.parts import Embedded, Part, embed
from rag.progress import Progress
from rag.reading import read_files
from rag.sentence_models import Embedder
from workbench.settings import Settings


def embed_here(
    parts: Sequence[Part], encoder: Embedder, settings: Settings, progress: Progress
) -> Generator[Embedded, None, None]:
    """The parts in their order."""
    paths = [Path(document.source) for part in parts for document in part.documents]
    passwords = {Path(name): word for part in parts for name, word in part.passwords.items()}
    with closing(read_files(paths, settings, passwords)) as results:
        for part in parts:
            own = (result for _, result in islice(results, len(part.documents)))
            yield embed(part.documents, own, encoder, progress.embedding)
