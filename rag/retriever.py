"""A question -> the passages that answer it, by both legs, weighed as the collection has taught."""

from __future__ import annotations

import shutil
from contextlib import suppress
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

CANDIDATES = 30  # taken from each leg, or twice as many as are asked for


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
    best = _best_words(index, lexical, depth, collection.matching(where) if where else None)
    matched = {
        name: float(lexical[index.rows[name]]) if name in index.rows else 0.0 for name in near
    } | best
    names = list(matched)
    bounds = fuse(
        _nearness(near, names, full=len(near) == depth),
        np.array(list(matched.values())) / ceiling,
        weight,
    )
    bar = np.partition(bounds[: len(near)], -k)[-k] if len(near) >= k else -np.inf
    contenders = [names[row] for row in np.flatnonzero(bounds >= bar - 1e-4)]
    passages, vectors = collection.passages_and_vectors(contenders)
    words = [matched[passage.id] for passage in passages]
    dense = vectors @ vector
    # equal passages differ in the last bits, by their place in the matrix
    scores = np.clip(fuse(dense, np.array(words) / ceiling, weight), 0, 1).round(6).tolist()
    found = zip(passages, scores, dense.tolist(), words, strict=True)
    floor = calibration.floor(question)
    hits = [Hit(*legs, relevant=legs[1] >= floor) for legs in found]
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))[:k]


def _nearness(near: dict[str, float], names: list[str], *, full: bool) -> np.ndarray:
    """Cosine of each name, or the most it can be: what only the lexical leg found is no nearer than the last of `near`.

    The bound lets few vectors and texts be read: what cannot be among the k best is left alone (Fagin's threshold
    algorithm, 2001).
    """
    limit = min(near.values(), default=1.0) if full else 1.0
    return np.array([near.get(name, limit) for name in names], np.float32)


def _best_words(
    index: LexicalIndex, lexical: np.ndarray, k: int, allowed: set[str] | None
) -> dict[str, float]:
    """id -> BM25 of the k best that share a word, of those the filter lets through."""
    if allowed is not None:
        rows = np.array([index.rows[name] for name in allowed if name in index.rows], int)
    else:
        rows = (
            np.flatnonzero(lexical >= np.partition(lexical, -k)[-k])
            if len(lexical) > k
            else np.arange(len(lexical))
        )
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
    try:
        index = LexicalIndex.load(path)
    except FileNotFoundError:
        index = LexicalIndex.build(collection.texts())
        with suppress(OSError):  # a full disk: this process has it in memory
            index.save(path)
        for old in folder.glob("lexical-*"):
            if old != path:
                shutil.rmtree(old, ignore_errors=True)
    _indexes[str(folder)] = revision, index
    return index
