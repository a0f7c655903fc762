"""Chinese questions on English passages -> recall of the retriever, beside that of plain cosines.

The questions of `retrieval_xquad_zh/crosslingual.jsonl` are asked over their 240 English passages,
over these with 1,710 others beside them, and over both with the 1,104 Chinese passages of CMRC 2018
in the same collection. The last also asks CMRC's own questions, which must lose little.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.calibration import calibrate
from rag.embeddings import load_embedder
from rag.passages import Document, Passage
from rag.question_sets import Question, read_passages, read_questions
from rag.retriever import retrieve
from rag.store import Collection, create_collection
from workbench.settings import Settings, load_settings

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ENGLISH = DATA / "retrieval_xquad_en"
CHINESE = DATA / "retrieval_cmrc2018"
DEPTH = 10
# recall@1 and @5 that each collection must reach
TARGETS = {"english": (0.72, 0.92), "with distractors": (0.62, 0.84)}


def read_pairs(passages: dict[str, str]) -> list[Question]:
    """The Chinese questions with the English passage of each."""
    lines = (DATA / "retrieval_xquad_zh" / "crosslingual.jsonl").read_text("utf-8").splitlines()
    pairs = [json.loads(line) for line in lines]
    found = [Question(pair["question_zh"], pair["passage_id_en"]) for pair in pairs]
    return [question for question in found if question.passage in passages]


def fill(settings: Settings, name: str, passages: dict[str, str]) -> tuple[Collection, np.ndarray]:
    """A calibrated collection of whole passages, and their vectors in the same order."""
    embedder = load_embedder(settings.embedder, settings)
    collection = create_collection(settings, name, embedder.name, embedder.dimension)
    vectors = embedder.embed(list(passages.values()))
    documents = [Document(key, "", 0, 0, "indexed", passages=1) for key in passages]
    pieces = [Passage(key, text, key, 0) for key, text in passages.items()]
    with collection.writing():
        collection.replace(documents, pieces, vectors)
    calibrate(collection, settings)
    return collection, vectors


def rank_fused(
    questions: Sequence[Question], collection: Collection, settings: Settings
) -> np.ndarray:
    """Rank from 1 of each question's passage in what the retriever returns; 0 where missing."""
    ranks = np.zeros(len(questions), int)
    for row, question in enumerate(questions):
        hits = retrieve(question.text, collection, settings, DEPTH)
        names = [hit.passage.id for hit in hits]
        if question.passage in names:
            ranks[row] = names.index(question.passage) + 1
    return ranks


def rank_plain(
    questions: Sequence[Question], names: Sequence[str], vectors: np.ndarray, settings: Settings
) -> np.ndarray:
    """The same by cosine alone, over all passages."""
    embedder = load_embedder(settings.embedder, settings)
    places = {name: row for row, name in enumerate(names)}
    wanted = np.array([places[question.passage] for question in questions])
    cosines = embedder.embed([question.text for question in questions], "query") @ vectors.T
    target = np.take_along_axis(cosines, wanted[:, None], axis=1)
    return 1 + (cosines > target).sum(axis=1)


def recall(ranks: np.ndarray, k: int) -> float:
    return round(float(((ranks > 0) & (ranks <= k)).mean()), 4)


def report(title: str, ours: np.ndarray, plain: np.ndarray) -> tuple[float, float]:
    """Prints recall@1, @5 and @10 of both; returns ours at 1 and 5."""
    figures: dict[str, Any] = {"questions": len(ours)}
    for k in (1, 5, 10):
        figures[f"recall@{k}"] = recall(ours, k)
        figures[f"cosine recall@{k}"] = recall(plain, k)
    print(title, json.dumps(figures), flush=True)
    return figures["recall@1"], figures["recall@5"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, help="ask only so many questions of each set")
    parser.add_argument("--embedder", default="multilingual-e5-small")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit("The public sets are not beside this clone (../shared/data).")
    english = read_passages(ENGLISH / "passages.jsonl")
    more = read_passages(ENGLISH / "distractors.jsonl")
    chinese = read_passages(CHINESE / "passages.jsonl")
    asked = read_pairs(english)[: options.limit]
    own = read_questions(CHINESE / "queries.jsonl", chinese)[: options.limit or 1000]
    passed = True
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = load_settings(home=Path(folder), embedder=options.embedder, reranker="")
        collections = {
            "english": english,
            "with distractors": english | more,
            "both languages": english | more | chinese,
        }
        for title, passages in collections.items():
            collection, vectors = fill(settings, title, passages)
            names = list(passages)
            ours = rank_fused(asked, collection, settings)
            reached = report(title, ours, rank_plain(asked, names, vectors, settings))
            wanted = TARGETS.get(title, (0.0, 0.0))
            passed = passed and reached[0] >= wanted[0] and reached[1] >= wanted[1]
        ours = rank_fused(own, collection, settings)
        report("own language", ours, rank_plain(own, names, vectors, settings))
    print("passed" if passed else "FAILED")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
