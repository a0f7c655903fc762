"""A question -> the passages that answer it, by both legs, weighed as the collection has taught."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np

from rag.calibration import Calibration, load_calibration
from rag.embeddings import load_embedder
from rag.fusion import fuse
from rag.lexical import LexicalIndex
from rag.passages import Hit
from rag.reranker import READ, rerank
from rag.store import Collection
from workbench.settings import Settings

CANDIDATES = 50  # taken from each leg


def retrieve(
    question: str,
    collection: Collection,
    settings: Settings,
    k: int = 6,
    where: dict[str, Any] | None = None,
    *,
    weight: float | None = None,
) -> list[Hit]:
    """The k best passages, best first; `where` is Chroma's metadata filter (source, type, page, sheet) for both legs.

    Where no hit is `relevant`, the collection does not speak of the question. `weight` on the dense leg overrides the
    calibrated one: 0 is lexical alone, 1 dense alone. With a reranker in the settings the best candidates are put in
    its order. A question without a word or number finds nothing.
    """
    if not any(character.isalnum() for character in question):
        return []
    calibration = load_calibration(collection)
    weight = calibration.weight(question) if weight is None else weight
    wanted = max(k, READ) if settings.reranker else k
    hits = _search(question, collection, settings, wanted, where, calibration, weight)
    return rerank(question, hits, settings)[:k] if settings.reranker else hits


def _search(
    question: str,
    collection: Collection,
    settings: Settings,
    k: int,
    where: dict[str, Any] | None,
    calibration: Calibration,
    weight: float,
) -> list[Hit]:
    depth = max(2 * k, CANDIDATES)
    index = lexical_index(collection)
    lexical, ceiling = index.scores(question), index.ceiling(question)
    vector = load_embedder(collection.embedder, settings).embed([question], "query")[0]
    near = dict(collection.nearest(vector, depth, where))
    found = _best_words(index, lexical, depth, collection.matching(where) if where else None)
    matched = {name: float(lexical[index.rows[name]]) if name in index.rows else 0.0 for name in near} | found
    names = list(matched)
    words = np.array([matched[name] for name in names], np.float32) / ceiling
    contenders = [names[row] for row in _contenders(near, names, words, weight, k, full=len(near) == depth)]
    passages, vectors = collection.passages_and_vectors(contenders)
    dense = vectors @ vector
    words = np.array([matched[passage.id] for passage in passages], np.float32)
    scores = np.clip(fuse(dense, words / ceiling, weight), 0, 1)
    order = sorted(range(len(passages)), key=lambda row: (-scores[row], passages[row].id))[:k]
    floor = calibration.floor(question)
    return [
        Hit(passages[row], float(scores[row]), float(dense[row]), float(words[row]), bool(scores[row] >= floor))
        for row in order
    ]


def _contenders(
    near: dict[str, float], names: list[str], words: np.ndarray, weight: float, k: int, *, full: bool
) -> np.ndarray:
    """Rows of `names` that can be among the k best, so that few vectors and texts are read (Fagin's threshold, 2001).

    A passage that only the lexical leg found is no nearer than the last of the nearest, which bounds its score.
    """
    limit = min(near.values(), default=1.0) if full else 1.0
    bounds = fuse(np.array([near.get(name, limit) for name in names], np.float32), words, weight)
    sure = np.array([name in near for name in names], bool)
    bar = np.sort(bounds[sure])[-k] if sure.sum() >= k else -np.inf
    return np.flatnonzero(bounds >= bar - 1e-4)


def _best_words(index: LexicalIndex, lexical: np.ndarray, k: int, allowed: set[str] | None) -> dict[str, float]:
    """id -> BM25 of the k best that share a word, of those the filter lets through."""
    if allowed is not None:
        rows = np.array([index.rows[name] for name in allowed if name in index.rows], int)
    else:
        rows = np.flatnonzero(lexical >= np.partition(lexical, -k)[-k]) if len(lexical) > k else np.arange(len(lexical))
    best = sorted(rows[lexical[rows] > 0], key=lambda row: (-lexical[row], row))[:k]
    return {index.ids[row]: float(lexical[row]) for row in best}


_indexes: dict[str, tuple[int, LexicalIndex]] = {}  # collection's folder -> (revision, its index)


def lexical_index(collection: Collection) -> LexicalIndex:
    """The lexical index of the collection as it is now: in memory, else on disk, else built from the passages."""
    folder, revision = collection.folder, collection.revision
    held = _indexes.get(str(folder))
    if held and held[0] == revision:
        return held[1]
    path = folder / f"lexical-{revision}"
    if path.exists():
        index = LexicalIndex.load(path)
    else:
        index = LexicalIndex.build(collection.texts())
        index.save(path)
        for old in folder.glob("lexical-*"):
            if old != path:
                shutil.rmtree(old, ignore_errors=True)
    _indexes[str(folder)] = revision, index
    return index
