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
from rag.embeddings import embed_question, load_embedder
from rag.lexical import FORMAT, LexicalIndex
from rag.passages import Hit, Passage
from rag.reranker import READ, rerank
from rag.store import Collection
from rag.views import RELEVANT, View, look, view_of
from workbench.errors import Unwritable
from workbench.files import remove
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
    cosines = dict(collection.nearest(views[0].vector, depth, where))
    nearest = list(cosines)
    for view in views[1:]:
        if view.dense:
            nearest += [name for name, _ in collection.nearest(view.vector, depth, where)]
    coverage: dict[str, float] = {}
    for name in nearest:
        row = index.rows.get(name)  # None: indexed after the lexical index was read
        coverage[name] = 0.0 if row is None else float(shares[row])
    allowed = collection.matching(where) if where else None
    coverage |= _best_by_words(index, shares, depth, allowed)
    # a full list ends with its farthest passage, and all others are at least as far
    complete = len(cosines) < depth
    farthest = 1.0 if complete else min(cosines.values())
    return _Candidates(coverage, cosines, farthest)


def _best_by_words(
    index: LexicalIndex, scores: np.ndarray, k: int, allowed: set[str] | None
) -> dict[str, float]:
    """id -> score of the k best that share a word and, with a filter, are `allowed`."""
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
    except (OSError, ValueError, EOFError, KeyError, TypeError, IndexError):  # missing or damaged
        remove(path)
        index = LexicalIndex.build(collection.texts())
        with suppress(Unwritable):  # a full disk: this process has it in memory
            index.save(path)
        for old in folder.glob("lexical-*"):
            if old != path:
                shutil.rmtree(old, ignore_errors=True)
    _indexes[str(folder)] = (revision, index)
    return index
