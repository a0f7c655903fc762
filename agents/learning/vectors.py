"""Judged questions and an embedder -> their vectors, each made once and kept in the workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from rag.embeddings import Embedder
from workbench.errors import Unwritable
from workbench.files import writing

FILE = "judged.npz"
SHORT = 16  # signs of a hash


@lru_cache(maxsize=4)
def question_vectors(texts: tuple[str, ...], embedder: Embedder, folder: Path) -> np.ndarray:
    """float32 (texts, dimension) of unit length. Only new texts are embedded."""
    names = [_name(text) for text in texts]
    known = _read(folder / FILE, embedder)
    new = [(name, text) for name, text in zip(names, texts, strict=True) if name not in known]
    if new:
        vectors = embedder.embed([text for _, text in new], "query")
        known |= {name: vector for (name, _), vector in zip(new, vectors, strict=True)}
        with suppress(Unwritable):  # a full disk: they are made again after the next start
            _write(folder / FILE, embedder, {name: known[name] for name in names})
    return np.array([known[name] for name in names], np.float32)


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:SHORT]


def _read(path: Path, embedder: Embedder) -> dict[str, np.ndarray]:
    """Name of a text -> its vector; nothing where they are of another embedder, or damaged."""
    try:
        with np.load(path) as kept:
            vectors = kept["vectors"]
            same = str(kept["embedder"]) == embedder.name
            if not same or vectors.shape[1] != embedder.dimension:
                return {}
            return dict(zip(kept["names"].tolist(), vectors, strict=True))
    except (OSError, ValueError, KeyError, EOFError, IndexError, BadZipFile):
        return {}


def _write(path: Path, embedder: Embedder, vectors: dict[str, np.ndarray]) -> None:
    names: Sequence[str] = list(vectors)
    with writing(path) as part, part.open("wb") as file:
        np.savez(
            file,
            embedder=np.array(embedder.name),
            names=np.array(names),
            vectors=np.array([vectors[name] for name in names], np.float32),
        )
