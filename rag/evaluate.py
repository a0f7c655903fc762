"""Questions with a known passage -> recall and MRR of each leg, the fusion and each fixed weight.

The fused list comes from the retriever itself, over a collection that is indexed and calibrated as
any other. The legs and the fixed weights are exact: they are computed over all passages, so that
the comparison never flatters the fusion.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rag.calibration import calibrate
from rag.embeddings import load_embedder
from rag.fusion import fuse, stretch
from rag.lexical_files import lexical_index
from rag.passages import Document, Passage
from rag.question_sets import Question
from rag.retriever import retrieve
from rag.sentence_models import Embedder
from rag.store import Collection, create_collection, delete_collection
from workbench.settings import Settings

DEPTH = 10  # ranks after this one count as not found
RANKS = (1, 5, DEPTH)  # of recall
WEIGHTS = [round(0.1 * step, 1) for step in range(11)]
RRF = -1.0  # stands among the weights for reciprocal rank fusion
RRF_CONSTANT = 60  # Cormack, Clarke & Büttcher 2009
BATCH = 256  # texts or questions embedded at a time
VECTORS = 10_000  # read at a time: SQLite binds no more than 32,766 ids
Progress = Callable[[str, int, int], None]  # (step, done, all)


def evaluate(
    passages: dict[str, str],
    questions: Sequence[Question],
    settings: Settings,
    progress: Progress = lambda step, done, total: None,
) -> dict[str, Any]:
    """Index the passages in a workspace of its own, ask every question, and measure.

    Returns `questions` and `passages` (counts); `dense`, `lexical`, `fused` and `rrf` (reciprocal
    rank fusion, the usual default), each {"recall@1", "recall@5", "recall@10", "mrr@10"};
    `best_fixed` and `sweep` with recall@1 of fixed weights on the dense leg (min-max scores);
    `calibrated`, the learned shares of the dense leg (in deviations). Raises Unavailable.
    """
    embedder = load_embedder(settings.embedder, settings)
    with _scratch_collection(settings, embedder) as collection:
        _index(collection, passages, embedder, progress)
        progress("calibrating", 0, 1)
        calibration = calibrate(collection, settings)
        exact = _rank_exactly(collection, questions, embedder, progress)
        fused = _rank_fused(collection, questions, settings, progress)
    sweep: list[dict[str, float]] = []
    for weight in WEIGHTS:
        sweep.append({"weight": weight, "recall@1": _measure(exact[weight])["recall@1"]})
    return {
        "questions": len(questions),
        "passages": len(passages),
        "dense": _measure(exact[1.0]),
        "lexical": _measure(exact[0.0]),
        "fused": _measure(fused),
        "rrf": _measure(exact[RRF]),
        "best_fixed": max(sweep, key=lambda row: row["recall@1"]),
        "sweep": sweep,
        "calibrated": {name: weight.share for name, weight in calibration.weights.items()},
    }


def rank(scores: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """int (questions,): rank from 1 of the wanted column in each row of (questions, passages).

    Of equals the earlier column comes first.
    """
    target = np.take_along_axis(scores, wanted[:, None], axis=1)
    earlier = np.arange(scores.shape[1]) < wanted[:, None]
    ahead = (scores > target) | ((scores == target) & earlier)
    return 1 + ahead.sum(axis=1)


@contextmanager
def _scratch_collection(settings: Settings, embedder: Embedder) -> Iterator[Collection]:
    """An empty collection in a workspace that is deleted afterwards."""
    with tempfile.TemporaryDirectory(
        prefix="workbench-evaluate-", ignore_cleanup_errors=True
    ) as folder:
        scratch = settings.model_copy(update={"home": Path(folder), "chroma_url": ""})
        try:
            yield create_collection(scratch, "evaluated", embedder.name, embedder.dimension)
        finally:
            delete_collection(scratch, "evaluated")


def _index(
    collection: Collection, passages: dict[str, str], embedder: Embedder, progress: Progress
) -> None:
    """Index each passage whole, as a document of its own."""
    names = list(passages)
    vectors = np.zeros((len(names), embedder.dimension), np.float32)
    for start in range(0, len(names), BATCH):
        progress("embedding", start, len(names))
        part = [passages[name] for name in names[start : start + BATCH]]
        vectors[start : start + len(part)] = embedder.embed(part)
    progress("indexing", 0, 1)
    documents: list[Document] = []
    pieces: list[Passage] = []
    for name, text in passages.items():
        documents.append(Document(name, "", len(text), 0, "indexed", passages=1))
        pieces.append(Passage(name, text, name, 0))
    with collection.writing():
        collection.replace(documents, pieces, vectors)


def _rank_exactly(
    collection: Collection, questions: Sequence[Question], embedder: Embedder, progress: Progress
) -> dict[float, np.ndarray]:
    """weight -> rank of each question's passage, over all passages.

    0 where words alone decide and question and passage share none.
    """
    index = lexical_index(collection)
    vectors = _all_vectors(collection, index.ids)
    ranks = {weight: np.zeros(len(questions), int) for weight in (*WEIGHTS, RRF)}
    for start in range(0, len(questions), BATCH):
        progress("asking each leg", start, len(questions))
        part = questions[start : start + BATCH]
        here = slice(start, start + len(part))
        wanted = index.rows_of([question.passage for question in part])
        texts = [question.text for question in part]
        words = np.stack([index.scores(text) for text in texts])
        lexical = stretch(words)
        dense = stretch(embedder.embed(texts, "query") @ vectors.T)
        for weight in WEIGHTS:
            ranks[weight][here] = rank(fuse(dense, lexical, weight), wanted)
        ranks[RRF][here] = rank(_reciprocal(dense) + _reciprocal(lexical), wanted)
        no_words = words[np.arange(len(part)), wanted] == 0
        ranks[0.0][here][no_words] = 0
    return ranks


def _all_vectors(collection: Collection, ids: list[str]) -> np.ndarray:
    """float32 (passages, dimension), in the order of the ids."""
    parts: list[np.ndarray] = []
    for start in range(0, len(ids), VECTORS):
        _, vectors = collection.passages_and_vectors(ids[start : start + VECTORS])
        parts.append(vectors)
    return np.concatenate(parts)


def _reciprocal(scores: np.ndarray) -> np.ndarray:
    """1 / (60 + rank) of every passage; nothing for a score of zero.

    Of equals the earlier comes first.
    """
    places = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return np.where(scores > 0, 1 / (RRF_CONSTANT + 1 + places), 0)


def _rank_fused(
    collection: Collection, questions: Sequence[Question], settings: Settings, progress: Progress
) -> np.ndarray:
    """Rank of each question's passage in what the retriever returns; 0 where it is missing."""
    ranks = np.zeros(len(questions), int)
    for number, question in enumerate(questions):
        if number % BATCH == 0:
            progress("asking the retriever", number, len(questions))
        hits = retrieve(question.text, collection, settings, DEPTH)
        found = [hit.passage.id for hit in hits]
        if question.passage in found:
            ranks[number] = found.index(question.passage) + 1
    return ranks


def _measure(ranks: np.ndarray) -> dict[str, float]:
    found = (ranks > 0) & (ranks <= DEPTH)
    reciprocal = np.where(found, 1 / np.maximum(ranks, 1), 0)
    measures: dict[str, float] = {}
    for k in RANKS:
        measures[f"recall@{k}"] = round(float((found & (ranks <= k)).mean()), 4)
    measures[f"mrr@{DEPTH}"] = round(float(reciprocal.mean()), 4)
    return measures
