"""Passages and questions with a known answer -> recall and MRR of each leg, of the fusion, and of every fixed weight.

The fused list comes from the retriever itself, over a collection that is indexed and calibrated as any other. The
legs and the fixed weights are exact: computed over all passages, so the fusion is never flattered by the comparison.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.calibration import calibrate
from rag.catalogue import Document
from rag.embeddings import load_embedder
from rag.fusion import fuse, stretch
from rag.passages import Passage
from rag.retriever import lexical_index, retrieve
from rag.sentence_models import Embedder
from rag.store import Collection, create_collection
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import Settings

DEPTH = 10  # ranks after this one count as not found
WEIGHTS = [round(0.1 * step, 1) for step in range(11)]
RRF = -1.0  # stands among the weights for reciprocal rank fusion
RRF_CONSTANT = 60  # Cormack, Clarke & Büttcher 2009
BATCH = 256
Progress = Callable[[str, int, int], None]  # (step, done, all)


@dataclass(frozen=True)
class Question:
    """A question and the id of the passage that answers it."""

    text: str
    passage: str


def read_passages(*files: Path) -> dict[str, str]:
    """id -> text, from files with one JSON object {"id", "text"} a line; raises InvalidInput with file and line."""
    found: dict[str, str] = {}
    for file in files:
        for place, row in _rows(file, ("id", "text")):
            if row["id"] in found:
                raise InvalidInput(
                    say("{place}: the id {id} was used before.", place=place, id=row["id"]),
                    "Give each passage its own id.",
                )
            found[row["id"]] = row["text"]
    if not found:
        raise InvalidInput(
            say("{files} holds no passage.", files=files[0]),
            'Give one JSON object a line: {"id": …, "text": …}',
        )
    return found


def read_questions(file: Path, passages: dict[str, str]) -> list[Question]:
    """From a file with one JSON object {"question", "passage_id"} a line; raises InvalidInput with file and line."""
    found: list[Question] = []
    for place, row in _rows(file, ("question", "passage_id")):
        if row["passage_id"] not in passages:
            raise InvalidInput(
                say(
                    "{place}: there is no passage {passage_id}.",
                    place=place,
                    passage_id=row["passage_id"],
                ),
                "Correct its passage_id.",
            )
        found.append(Question(row["question"], row["passage_id"]))
    if not found:
        raise InvalidInput(
            say("{file} holds no question.", file=file),
            'Give one JSON object a line: {"question": …, "passage_id": …}',
        )
    return found


def evaluate(
    passages: dict[str, str],
    questions: Sequence[Question],
    settings: Settings,
    progress: Progress = lambda step, done, total: None,
) -> dict[str, Any]:
    """Index the passages in a workspace of its own, ask every question, and measure.

    Returns questions; dense, lexical, fused and rrf (reciprocal rank fusion, the usual default), each {"recall@1",
    "recall@5", "recall@10", "mrr@10"}; best_fixed and sweep, which hold recall@1 of fixed weights on the dense leg
    (min-max scores); and the calibrated weights.
    """
    embedder = load_embedder(settings.embedder, settings)
    with _scratch_collection(settings, embedder) as collection:
        _index(collection, passages, embedder, progress)
        progress("calibrating", 0, 1)
        calibration = calibrate(collection, settings)
        exact = _rank_exactly(collection, questions, embedder, progress)
        fused = _rank_fused(collection, questions, settings, progress)
    sweep = [
        {"weight": weight, "recall@1": _measure(exact[weight])["recall@1"]} for weight in WEIGHTS
    ]
    best = max(sweep, key=lambda row: row["recall@1"])
    return {
        "questions": len(questions),
        "passages": len(passages),
        "dense": _measure(exact[1.0]),
        "lexical": _measure(exact[0.0]),
        "fused": _measure(fused),
        "rrf": _measure(exact[RRF]),
        "best_fixed": best,
        "sweep": sweep,
        "calibrated": {name: weight.weight for name, weight in calibration.weights.items()},
    }


def _rows(file: Path, keys: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """(file:line, object) of each line that is not blank; every key holds a string that is not blank."""
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    place = f"{file}:{number}"
                    yield place, _object(place, line, keys)
    except OSError as error:
        raise InvalidInput(
            say("{file} cannot be read: {strerror}", file=file, strerror=error.strerror),
            "Check the path.",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(say("{file} is not UTF-8.", file=file), "Save it as UTF-8.") from error


def _object(place: str, line: str, keys: tuple[str, ...]) -> dict[str, str]:
    fix = f"Give one JSON object a line with {' and '.join(keys)}."
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            say("{place}: not JSON: {msg}.", place=place, msg=error.msg), fix
        ) from error
    if not isinstance(row, dict):
        raise InvalidInput(say("{place}: not a JSON object.", place=place), fix)
    for key in keys:
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise InvalidInput(
                say("{place}: {key} is missing, empty or not text.", place=place, key=key), fix
            )
    return row


@contextmanager
def _scratch_collection(settings: Settings, embedder: Embedder) -> Iterator[Collection]:
    """An empty collection in a workspace that is gone afterwards."""
    from rag.store import delete_collection

    with tempfile.TemporaryDirectory(
        prefix="workbench-evaluate-", ignore_cleanup_errors=True
    ) as folder:
        elsewhere = settings.model_copy(update={"home": Path(folder), "chroma_url": ""})
        try:
            yield create_collection(elsewhere, "evaluated", embedder.name, embedder.dimension)
        finally:
            delete_collection(elsewhere, "evaluated")


def _index(
    collection: Collection, passages: dict[str, str], embedder: Embedder, progress: Progress
) -> None:
    """Each passage whole, as a document of its own."""
    names = list(passages)
    vectors = np.zeros((len(names), embedder.dimension), np.float32)
    for start in range(0, len(names), BATCH):
        progress("embedding", start, len(names))
        part = [passages[name] for name in names[start : start + BATCH]]
        vectors[start : start + len(part)] = embedder.embed(part)
    progress("indexing", 0, 1)
    documents = [
        Document(name, "", len(passages[name]), 0, "indexed", passages=1) for name in names
    ]
    with collection.writing():
        collection.replace(
            documents, [Passage(name, passages[name], name, 0) for name in names], vectors
        )


def _rank_exactly(
    collection: Collection, questions: Sequence[Question], embedder: Embedder, progress: Progress
) -> dict[float, np.ndarray]:
    """weight -> rank of each question's passage, over all passages; 0 where words alone decide and none is shared."""
    index = lexical_index(collection)
    ids = list(index.ids)
    parts = [
        collection.passages_and_vectors(ids[start : start + 10_000])[1]
        for start in range(0, len(ids), 10_000)
    ]
    vectors, wanted = np.concatenate(parts), {name: row for row, name in enumerate(ids)}
    ranks: dict[float, np.ndarray] = {
        weight: np.zeros(len(questions), int) for weight in (*WEIGHTS, RRF)
    }
    for start in range(0, len(questions), BATCH):
        progress("asking each leg", start, len(questions))
        part = questions[start : start + BATCH]
        rows = np.array([wanted[question.passage] for question in part])
        words = np.stack([index.scores(question.text) for question in part])
        lexical, dense = (
            stretch(words),
            stretch(embedder.embed([q.text for q in part], "query") @ vectors.T),
        )
        for weight in WEIGHTS:
            ranks[weight][start : start + len(part)] = rank(fuse(dense, lexical, weight), rows)
        ranks[RRF][start : start + len(part)] = rank(
            _reciprocal(dense) + _reciprocal(lexical), rows
        )
        silent = words[np.arange(len(part)), rows] == 0
        ranks[0.0][start : start + len(part)][silent] = 0
    return ranks


def _reciprocal(scores: np.ndarray) -> np.ndarray:
    """1 / (60 + rank) of every passage; of equals the earlier comes first, and a score of zero gives nothing."""
    places = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1)
    return np.where(scores > 0, 1 / (RRF_CONSTANT + 1 + places), 0)


def rank(scores: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """int (questions,): rank from 1 of the wanted column in each row; of equals the earlier column comes first."""
    target = np.take_along_axis(scores, wanted[:, None], axis=1)
    earlier = np.arange(scores.shape[1]) < wanted[:, None]
    return 1 + ((scores > target) | ((scores == target) & earlier)).sum(axis=1)


def _rank_fused(
    collection: Collection, questions: Sequence[Question], settings: Settings, progress: Progress
) -> np.ndarray:
    """Rank of each question's passage in what the retriever returns; 0 where it is not among them."""
    ranks = np.zeros(len(questions), int)
    for number, question in enumerate(questions):
        if number % BATCH == 0:
            progress("asking the retriever", number, len(questions))
        hits = retrieve(question.text, collection, settings, DEPTH)
        found = [hit.passage.id for hit in hits]
        ranks[number] = found.index(question.passage) + 1 if question.passage in found else 0
    return ranks


def _measure(ranks: np.ndarray) -> dict[str, float]:
    found = (ranks > 0) & (ranks <= DEPTH)
    recall = {f"recall@{k}": round(float((found & (ranks <= k)).mean()), 4) for k in (1, 5, DEPTH)}
    return recall | {
        f"mrr@{DEPTH}": round(float(np.where(found, 1 / np.maximum(ranks, 1), 0).mean()), 4)
    }
