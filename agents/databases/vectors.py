"""Texts of a schema and an embedder -> their vectors, kept in memory and beside the source."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from rag.embeddings import Embedder
from workbench.errors import Unwritable
from workbench.files import writing

KEPT = 8  # schemas whose vectors stay in memory
FILE = "vectors.npz"


@lru_cache(maxsize=KEPT)
def vectors_of(
    texts: tuple[str, ...], embedder: Embedder, folder: Path | None = None
) -> np.ndarray:
    """float (texts, dimension): the texts' vectors, the same array for the same texts.

    In `folder` they outlast the process: a schema of 500 columns takes seconds to embed. Several
    answers may ask at a time: lru_cache locks its table, and embeds outside of the lock.
    """
    if folder is None:
        return embedder.embed(texts)
    state = hashlib.sha256("\n".join([embedder.name, *texts]).encode()).hexdigest()
    known = _read(folder / FILE, state)
    if known is not None:
        return known
    vectors = embedder.embed(texts)
    with suppress(Unwritable):  # a full disk: they are made again after the next start
        _write(folder / FILE, state, vectors)
    return vectors


def _read(path: Path, state: str) -> np.ndarray | None:
    """The vectors of that state; None where they are of another one, damaged or not there."""
    try:
        with np.load(path) as kept:
            return kept["vectors"] if str(kept["state"]) == state else None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _write(path: Path, state: str, vectors: np.ndarray) -> None:
    with writing(path) as part, part.open("wb") as file:
        np.savez(file, state=np.array(state), vectors=vectors)
