"""A question -> the passages that answer it, by both legs, weighed as the collection has taught.

Few passages are read: each leg gives its best candidates, and a bound on the other leg's score
rules out those that cannot be among the k best (Fagin's threshold algorithm, 2001). The result
equals that of scoring every passage. A smaller k gives the beginning of the list of a larger one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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
    left = _rule_out(candidates, wanted, views)
    coverages = {candidates.ids[place]: candidates.coverage[place] for place in left}
    passages, vectors = collection.passages_and_vectors(list(coverages))
    coverage = np.array([coverages[passage.id] for passage in passages], np.float64)
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


@dataclass(frozen=True, eq=False)
class _Candidates:
    """The best of both legs.

    `languages` are their passages', empty where the lexical index has not read them yet.
    `coverage` is float32 (ids,): BM25 as a share of its ceiling. By the number of a view that was
    searched, `cosines` has those of its nearest passages, and `farthest` the most that any other
    passage can reach.
    """

    ids: list[str]
    languages: list[str]
    coverage: np.ndarray
    cosines: Mapping[int, Mapping[str, float]]
    farthest: Mapping[int, float]


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
    looking = [number for number, view in enumerate(views) if number == 0 or view.dense]
    vectors = np.stack([views[number].vector for number in looking])
    cosines = dict(zip(looking, collection.nearest(vectors, depth, where), strict=True))
    if where:
        best = _best_filtered(collection, index, shares, depth, where)
    else:
        best = _best_rows(shares, depth)
    # a full list ends with its farthest passage, and all others are at least as far
    farthest = {
        number: min(found.values()) if len(found) >= depth else 1.0
        for number, found in cosines.items()
    }
    ids = list(dict.fromkeys([*chain.from_iterable(cosines.values()), *index.ids_at(best)]))
    rows = index.rows_of(ids)
    known = rows >= 0
    coverage = np.zeros(len(ids), np.float32)
    coverage[known] = shares[rows[known]]
    return _Candidates(ids, index.languages_at(rows), coverage, cosines, farthest)


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


def _rule_out(candidates: _Candidates, k: int, views: Sequence[View]) -> list[int]:
    """The places of the candidates that can be among the k best."""
    numbers = {view.language: number for number, view in enumerate(views)}
    most = np.full(len(candidates.ids), np.inf)
    exact = np.zeros(len(candidates.ids), bool)
    for place, (name, language) in enumerate(
        zip(candidates.ids, candidates.languages, strict=True)
    ):
        number = numbers.get(language, 0)
        view = views[number]
        found = candidates.cosines.get(number, {})
        cosine = found.get(name, candidates.farthest.get(number, 1.0))
        if language:
            most[place] = view.score(cosine, float(candidates.coverage[place]))
            exact[place] = name in found or not view.dense
    bar = np.partition(most[exact], -k)[-k] if exact.sum() >= k else -np.inf
    return np.flatnonzero(most >= bar - ROUNDING).tolist()


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
    # row by row: a product of matrices rounds a row differently in the company of others
    looking = np.stack([view.vector for view in views])
    cosines = (vectors[:, None] * looking).sum(axis=2)
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
