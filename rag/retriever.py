"""A question -> the passages that answer it, by both legs, weighed as the collection has taught.

Few passages are read: each leg gives its best candidates, and a bound on the other leg's score
rules out those that cannot be among the k best (Fagin's threshold algorithm, 2001). The result
equals that of scoring every passage. A smaller k gives the beginning of the list of a larger one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag.calibration import load_calibration
from rag.embeddings import embed_question, load_embedder
from rag.lexical import LexicalIndex
from rag.lexical_files import lexical_index
from rag.passages import Hit, Passage
from rag.reranker import READ, rerank
from rag.store import Collection
from rag.views import RELEVANT, View, look, view_of
from workbench.settings import Settings

CANDIDATES = 30  # taken from each leg, or twice as many as are asked for
FILTERED = 1000  # passages that a filter is asked about at first, and
FILTERED_MORE = 8  # times as many each time that too few of them pass
LEAST = np.finfo(np.float32).tiny  # of a score that is none
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
    metadata filter (source, type, page, sheet) for both legs. `weight` on the cosine overrides the
    question's own: 0 is lexical alone, 1 dense alone. With a reranker in the settings, the best
    candidates come in its order. A question without a letter or digit finds nothing.
    Raises InvalidInput, NotFound, Unavailable.
    """
    if not any(character.isalnum() for character in question):
        return []
    index = lexical_index(collection)
    shares = index.coverage(question)
    views = _look(question, collection, settings, shares, weight)
    wanted = max(k, READ) if settings.reranker else k
    depth = max(2 * wanted, CANDIDATES)
    ceiling = index.ceiling(question)
    candidates = _find_candidates(views, collection, index, shares, depth, where)
    contenders = _rule_out(candidates, wanted, views)
    passages, vectors = collection.passages_and_vectors(contenders)
    coverage = np.array([candidates.coverage[passage.id] for passage in passages], np.float64)
    hits = _scored(collection.name, passages, vectors, coverage, views, ceiling)[:wanted]
    return rerank(question, hits, settings)[:k] if settings.reranker else hits


def views_of(question: str, collection: Collection, settings: Settings) -> list[View]:
    """How the question looks at the collection's passages; see `rag.views.look`."""
    shares = lexical_index(collection).coverage(question)
    return _look(question, collection, settings, shares, None)


def _look(
    question: str,
    collection: Collection,
    settings: Settings,
    shares: np.ndarray,
    weight: float | None,
) -> list[View]:
    vector = embed_question(question, load_embedder(collection.embedder, settings))
    return look(question, vector, load_calibration(collection), [shares], weight)


@dataclass(frozen=True)
class _Candidates:
    """The best of both legs, the nearest to the first view first."""

    coverage: Mapping[str, float]  # id -> BM25 as a share of its ceiling, of every candidate
    cosines: Mapping[str, float]  # id -> cosine, of those that the dense leg found
    farthest: float  # the most that the cosine of any other passage can be


def _find_candidates(
    views: Sequence[View],
    collection: Collection,
    index: LexicalIndex,
    shares: np.ndarray,
    depth: int,
    where: dict[str, Any] | None,
) -> _Candidates:
    """The `depth` best of each leg, the dense one looking from each view that uses it.

    `shares` is the word leg's coverage of every passage in the order of the index.
    """
    looking = [views[0], *(view for view in views[1:] if view.dense)]
    vectors = np.stack([view.vector for view in looking])
    cosines, *others = collection.nearest(vectors, depth, where)
    nearest = [name for found in (cosines, *others) for name in found]
    coverage: dict[str, float] = {}
    for name, row in zip(nearest, index.rows_of(nearest), strict=True):
        # -1: indexed after the lexical index was read
        coverage[name] = 0.0 if row < 0 else float(shares[row])
    if where:
        best = _best_filtered(collection, index, shares, depth, where)
    else:
        best = _best_rows(shares, depth)
    coverage |= dict(zip(index.ids_at(best), shares[best].tolist(), strict=True))
    # a full list ends with its farthest passage, and all others are at least as far
    complete = len(cosines) < depth
    farthest = 1.0 if complete else min(cosines.values())
    return _Candidates(coverage, cosines, farthest)


def _best_filtered(
    collection: Collection, index: LexicalIndex, scores: np.ndarray, k: int, where: dict[str, Any]
) -> np.ndarray:
    """The rows of the k best that share a word and pass the filter, best first.

    A filter that few passages pass gives them; of one that many pass, the best are looked at.
    """
    passed = collection.matching(where, most=FILTERED)
    if len(passed) < FILTERED:
        rows = index.rows_of(passed)
        return _ordered(rows[rows >= 0], scores)[:k]
    looked_at = FILTERED
    while True:
        rows = _best_rows(scores, looked_at)
        passed = collection.matching(where, among=index.ids_at(rows))
        if len(passed) >= k or len(rows) < looked_at:
            return _ordered(index.rows_of(passed), scores)[:k]
        looked_at *= FILTERED_MORE


def _best_rows(scores: np.ndarray, k: int) -> np.ndarray:
    """The rows of the k best that share a word, best first."""
    if len(scores) <= k:
        return _ordered(np.arange(len(scores)), scores)
    kth = np.partition(scores, -k)[-k]
    return _ordered(np.flatnonzero(scores >= max(kth, LEAST)), scores)[:k]


def _ordered(rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Those of the rows that share a word, best first; of equals the earlier."""
    rows = rows[scores[rows] > 0]
    return rows[np.lexsort((rows, -scores[rows]))]


def _rule_out(candidates: _Candidates, k: int, views: Sequence[View]) -> list[str]:
    """Ids of the candidates that can be among the k best.

    With several views all can: which one counts shows only when the passage is read.
    """
    names = list(candidates.coverage)
    if len(views) > 1:
        return names
    lexical = np.array(list(candidates.coverage.values()))
    dense = np.array([candidates.cosines.get(name, candidates.farthest) for name in names])
    most = views[0].score(dense, lexical)
    found = len(candidates.cosines)  # these come first, and their scores are exact
    bar = np.partition(most[:found], -k)[-k] if found >= k else -np.inf
    return [names[row] for row in np.flatnonzero(most >= bar - ROUNDING)]


def _scored(
    collection: str,
    passages: Sequence[Passage],
    vectors: np.ndarray,
    coverage: np.ndarray,
    views: Sequence[View],
    ceiling: float,
) -> list[Hit]:
    """The passages with their scores, best first; equal ones in the order of their ids."""
    hits: list[Hit] = []
    cosines = vectors @ np.stack([view.vector for view in views]).T
    for row, passage in enumerate(passages):
        view = view_of(views, passage.text)
        cosine = float(cosines[row, views.index(view)])
        share = float(coverage[row])
        score, relevance = view.judge(cosine, share)
        hit = Hit(
            passage,
            score=score,
            dense=cosine,
            lexical=share * ceiling,
            relevant=relevance >= RELEVANT,
            collection=collection,
            relevance=relevance,
        )
        hits.append(hit)
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))
