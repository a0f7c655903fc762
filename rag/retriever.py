"""A question -> the passages that answer it, by both legs, weighed as the collection has taught.

Few passages are read: each leg gives its best candidates, and a bound on the other leg's score
rules out those that cannot be among the k best (Fagin's threshold algorithm, 2001). The result
equals that of scoring every passage. A smaller k gives the beginning of the list of a larger one.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.calibration import load_calibration
from rag.embeddings import load_embedder
from rag.fusion import fuse
from rag.lexical import FORMAT, LexicalIndex
from rag.passages import Hit, Passage
from rag.reranker import READ, rerank
from rag.store import Collection
from workbench.settings import Settings

CANDIDATES = 30  # taken from each leg, or twice as many as are asked for
ROUNDING = 1e-4  # Chroma's cosines differ from ours in their last digits


def retrieve(
    question: str,
    collection: Collection,
    settings: Settings,
    k: int = 6,
    where: dict[str, Any] | None = None,
    *,
    weight: float | None = None,
) -> list[Hit]:
    """The k best passages, best first.

    Where no hit is `relevant`, the collection does not answer the question. `where` is Chroma's
    metadata filter (source, type, page, sheet) for both legs. `weight` on the dense leg overrides
    the calibrated one: 0 is lexical alone, 1 dense alone. With a reranker in the settings, the best
    candidates come in its order. A question without a letter or digit finds nothing.
    Raises InvalidInput, NotFound, Unavailable.
    """
    if not any(character.isalnum() for character in question):
        return []
    calibration = load_calibration(collection)
    if weight is None:
        weight = calibration.weight(question)
    wanted = max(k, READ) if settings.reranker else k
    vector = load_embedder(collection.embedder, settings).embed([question], "query")[0]
    candidates = _find_candidates(question, vector, collection, max(2 * wanted, CANDIDATES), where)
    contenders = _rule_out(candidates, wanted, weight)
    passages, vectors = collection.passages_and_vectors(contenders)
    bm25 = np.array([candidates.bm25[passage.id] for passage in passages])
    dense = vectors @ vector
    # rounded: equal passages differ in the last bits, by their place in the matrix
    scores = np.clip(fuse(dense, bm25 / candidates.ceiling, weight), 0, 1).round(6)
    floor = calibration.floor(question)
    hits = _ranked(collection.name, passages, scores, dense, bm25, floor)[:wanted]
    return rerank(question, hits, settings)[:k] if settings.reranker else hits


@dataclass(frozen=True)
class _Candidates:
    """The best of both legs, the nearest first."""

    bm25: Mapping[str, float]  # id -> score, of every candidate
    ceiling: float  # BM25 score that no passage can exceed
    cosines: Mapping[str, float]  # id -> cosine, of those that the dense leg found
    farthest: float  # the most that the cosine of any other passage can be


def _find_candidates(
    question: str,
    vector: np.ndarray,
    collection: Collection,
    depth: int,
    where: dict[str, Any] | None,
) -> _Candidates:
    """The `depth` best of each leg."""
    index = lexical_index(collection)
    scores = index.scores(question)
    cosines = dict(collection.nearest(vector, depth, where))
    bm25: dict[str, float] = {}
    for name in cosines:
        row = index.rows.get(name)  # None: indexed after the lexical index was read
        bm25[name] = 0.0 if row is None else float(scores[row])
    allowed = collection.matching(where) if where else None
    bm25 |= _best_by_words(index, scores, depth, allowed)
    # a full list ends with its farthest passage, and all others are at least as far
    complete = len(cosines) < depth
    farthest = 1.0 if complete else min(cosines.values())
    return _Candidates(bm25, index.ceiling(question), cosines, farthest)


def _best_by_words(
    index: LexicalIndex, scores: np.ndarray, k: int, allowed: set[str] | None
) -> dict[str, float]:
    """id -> BM25 of the k best that share a word and, with a filter, are `allowed`."""
    if allowed is not None:
        rows = np.array([index.rows[name] for name in allowed if name in index.rows], int)
    elif len(scores) > k:
        kth = np.partition(scores, -k)[-k]
        rows = np.flatnonzero(scores >= kth)
    else:
        rows = np.arange(len(scores))
    matching = rows[scores[rows] > 0]
    best = sorted(matching, key=lambda row: (-scores[row], row))[:k]
    return {index.ids[row]: float(scores[row]) for row in best}


def _rule_out(candidates: _Candidates, k: int, weight: float) -> list[str]:
    """Ids of the candidates that can be among the k best."""
    names = list(candidates.bm25)
    lexical = np.array(list(candidates.bm25.values())) / candidates.ceiling
    dense = np.array(
        [candidates.cosines.get(name, candidates.farthest) for name in names], np.float32
    )
    most = fuse(dense, lexical, weight)
    found = len(candidates.cosines)  # these come first, and their scores are exact
    bar = np.partition(most[:found], -k)[-k] if found >= k else -np.inf
    return [names[row] for row in np.flatnonzero(most >= bar - ROUNDING)]


def _ranked(
    collection: str,
    passages: Sequence[Passage],
    scores: np.ndarray,
    dense: np.ndarray,
    bm25: np.ndarray,
    floor: float,
) -> list[Hit]:
    """The passages with their scores, best first; equal ones in the order of their ids."""
    hits: list[Hit] = []
    for row, passage in enumerate(passages):
        score = float(scores[row])
        hit = Hit(
            passage,
            score=score,
            dense=float(dense[row]),
            lexical=float(bm25[row]),
            relevant=score >= floor,
            collection=collection,
        )
        hits.append(hit)
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))


_indexes: dict[str, tuple[int, LexicalIndex]] = {}  # collection's folder -> (revision, its index)


def lexical_index(collection: Collection) -> LexicalIndex:
    """The lexical index of the collection as it is now: from memory, from disk, or built."""
    folder = collection.folder
    revision = collection.revision
    cached = _indexes.get(str(folder))
    if cached and cached[0] == revision:
        return cached[1]
    path = folder / f"lexical-{FORMAT}-{revision}"
    try:
        index = LexicalIndex.load(path)
    except FileNotFoundError:
        index = LexicalIndex.build(collection.texts())
        with suppress(OSError):  # a full disk: this process has it in memory
            index.save(path)
        for old in folder.glob("lexical-*"):
            if old != path:
                shutil.rmtree(old, ignore_errors=True)
    _indexes[str(folder)] = (revision, index)
    return index
