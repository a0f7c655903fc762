"""What a Ray worker does: it gets a part with the bytes of its files, and gives what is in them.

The files come with the part, so no path has to exist on the worker's machine. They lie in a
temporary folder while their readers are at them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from rag.embeddings import load_embedder
from rag.engines.parts import Embedded, Part, embed
from rag.openvino_embedder import SAMPLES, THREADS
from rag.reading import Readers, Result
from workbench.errors import WorkbenchError
from workbench.settings import load_settings

Content = bytes | WorkbenchError
"""A file's bytes, or why it cannot be read."""


class RayWorker:
    """One process of the cluster, with an embedder and readers of its own.

    `settings` are those of the ingest, by name; `threads` is its share of the machine.
    """

    def __init__(self, embedder: str, settings: dict[str, Any], threads: int) -> None:
        os.environ[THREADS] = str(threads)
        self._embedder = embedder
        self._settings = load_settings(**settings)
        self._readers = Readers(threads)

    def ready(self) -> tuple[str, np.ndarray]:
        """The version of Workbench here, and the vectors of `SAMPLES`. Raises WorkbenchError."""
        self._encoder = load_embedder(self._embedder, self._settings)
        return version("agent-workbench"), self._encoder.embed(SAMPLES)

    def embed(self, part: Part, contents: Sequence[Content]) -> Embedded:
        """The part's passages and vectors. Raises WorkbenchError."""
        with TemporaryDirectory(prefix="workbench-") as folder:
            results = self._results(part, contents, Path(folder))
            return embed(part.documents, results, self._encoder)

    def _results(self, part: Part, contents: Sequence[Content], folder: Path) -> Iterator[Result]:
        """Of each document in its order."""
        paths: list[Path] = []
        passwords: dict[Path, str] = {}
        for number, (document, content) in enumerate(zip(part.documents, contents, strict=True)):
            if isinstance(content, WorkbenchError):
                continue
            # a folder each: names may repeat, and endings tell readers the kind
            path = folder / str(number) / Path(document.source).name
            path.parent.mkdir()
            path.write_bytes(content)
            paths.append(path)
            if document.source in part.passwords:
                passwords[path] = part.passwords[document.source]
        read = self._readers.read(paths, self._settings, passwords)
        for content in contents:
            yield content if isinstance(content, WorkbenchError) else next(read)[1]
