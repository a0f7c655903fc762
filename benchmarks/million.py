"""Made passages, up to a million -> what our index takes to write, open, change and search.

`.venv/bin/python -m benchmarks.million --passages 10000,100000,1000000 --folder DIR`

Each stage of each size runs in a process of its own, so that its peak memory is its own. A stage
that has ended is not run again: delete the folder to begin again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.made_corpus import (
    PART,
    MadeDocument,
    WordEmbedder,
    make_part,
    make_questions,
)
from rag import embeddings
from rag.calibration import calibrate, refresh
from rag.engines.parts import embed
from rag.index_writer import IndexWriter
from rag.lexical import LexicalIndex
from rag.lexical_files import lexical_index
from rag.passages import Block, Document, Hit
from rag.pool import open_pool
from rag.postings import decoded
from rag.retriever import retrieve
from rag.sentence_models import Embedder, Role
from rag.store import Collection, create_collection, list_collections, open_collection
from workbench.cli import print_json
from workbench.files import write_json
from workbench.language import words
from workbench.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
NAME = "made"
QUESTIONS, WARM_UP, FOUND, EXACT = 200, 10, 10, 60
TARGET = 1.3  # times raw Chroma and raw bm25s together


def ingest(settings: Settings, passages: int, folder: Path) -> dict[str, Any]:
    """Write the passages by our own writer; goes on where a killed run has stopped."""
    encoder = WordEmbedder()
    if not list_collections(settings):
        create_collection(settings, NAME, encoder.name, encoder.dimension)
    collection = open_collection(settings, NAME)
    present = collection.count() // PART
    log = folder / "ingest.jsonl"
    for part in range(present, passages // PART):
        begun = time.process_time()
        taken = _write_part(collection, encoder, part)
        busy = round(time.process_time() - begun, 2)
        done = {"passages": (part + 1) * PART, "seconds": taken, "processor": busy}
        with log.open("a") as file:
            file.write(json.dumps(done | {"peak_mb": peak_mb()}) + "\n")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    written = PART * len(lines)
    return {
        "rate": round(written / sum(line["seconds"] for line in lines)),
        "rate_at_the_end": round(PART / lines[-1]["seconds"]),
        "rate_of_a_processor": round(written / sum(line["processor"] for line in lines)),
        "peak_mb": max(line["peak_mb"] for line in lines),
    }


def _write_part(collection: Collection, encoder: WordEmbedder, number: int) -> float:
    """Seconds that our writer took; making the texts and their vectors is not counted."""
    documents = make_part(number)
    made = [text for document in documents for text in document.texts]
    ready = _Ready(encoder, made)
    return seconds(lambda: _write(collection, ready, documents))


def _write(collection: Collection, encoder: Embedder, documents: Sequence[MadeDocument]) -> None:
    with collection.writing(), IndexWriter(collection, lambda one: None) as writer:
        for made in documents:
            document = Document(made.name, "", sum(map(len, made.texts)), 0, "indexed")
            blocks = [Block(text) for text in made.texts]
            writer.add(embed([document], [blocks], encoder))


def _remove(collection: Collection, source: str) -> None:
    with collection.writing():
        collection.remove([source])


class _Ready:
    """The embedder with the vectors of a part made beforehand."""

    def __init__(self, encoder: WordEmbedder, texts: list[str]) -> None:
        self.name, self.dimension, self.max_tokens = NAME, encoder.dimension, encoder.max_tokens
        self._rows = {text: row for row, text in enumerate(texts)}
        self._vectors = encoder.embed(texts)

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        return self._vectors[[self._rows[text] for text in texts]]


def index(settings: Settings, passages: int, folder: Path) -> dict[str, Any]:
    """Build the lexical index, then learn the weights."""
    collection = open_collection(settings, NAME)
    built = seconds(lambda: lexical_index(collection))
    lexical_peak = peak_mb()
    learned = seconds(lambda: calibrate(collection, settings))
    return {"lexical": built, "lexical_peak_mb": lexical_peak, "calibration": learned}


def opening(settings: Settings, passages: int, folder: Path) -> dict[str, Any]:
    """The first question of a new process, and the second."""
    (first, _), (second, _), *_ = make_questions(passages // PART, 2)
    return {
        "first_question": seconds(lambda: ask(first, settings)),
        "second_question": seconds(lambda: ask(second, settings)),
        "disk_mb": disk_mb(folder / "workspace"),
    }


def queries(settings: Settings, passages: int, folder: Path) -> dict[str, Any]:
    """The fused query beside raw Chroma and raw bm25s in turn, and which of them find the answers.

    Raw is what a program gets of the library alone: ids or rows and scores, of ten, without texts.
    """
    collection = open_collection(settings, NAME)
    lexical = lexical_index(collection)
    encoder = embeddings.load_embedder(collection.embedder, settings)
    asked = list(make_questions(passages // PART, QUESTIONS))
    vectors = encoder.embed([question for question, _ in asked])
    raw = raw_bm25s(lexical, [question for question, _ in asked])
    chroma = collection.index.handle()

    def ask_chroma(row: int) -> Any:
        return chroma.query(query_embeddings=vectors[row : row + 1], n_results=FOUND)["ids"][0]

    def ask_bm25s(row: int) -> Any:
        return raw.retrieve([words(asked[row][0])], k=FOUND, show_progress=False).documents[0]

    def ask_fused(row: int) -> Any:
        return ask(asked[row][0], settings)

    texts_of: dict[str, Callable[[Any], list[str]]] = {
        "chroma": lambda ids: texts(collection, ids),
        "bm25s": lambda rows: texts(collection, decoded(lexical.parts[0].postings.ids[rows])),
        "fused": lambda hits: [hit.passage.text for hit in hits],
    }
    times: dict[str, list[float]] = {name: [] for name in texts_of}
    recall = dict.fromkeys(texts_of, 0.0)
    for row in range(-WARM_UP, len(asked)):
        for name, leg in zip(texts_of, (ask_chroma, ask_bm25s, ask_fused), strict=True):
            begun = time.perf_counter()
            found = leg(row % len(asked))
            taken = 1000 * (time.perf_counter() - begun)
            if row >= 0:
                times[name].append(taken)
                recall[name] += (asked[row][1] in texts_of[name](found)) / len(asked)
    return summary(times) | {"recall": {name: round(share, 3) for name, share in recall.items()}}


def exactness(settings: Settings, passages: int, folder: Path) -> dict[str, Any]:
    """The share of the ten nearest passages, by a look at all vectors, that Chroma finds."""
    collection = open_collection(settings, NAME)
    encoder = embeddings.load_embedder(collection.embedder, settings)
    asked = list(make_questions(passages // PART, EXACT))
    vectors = encoder.embed([question for question, _ in asked])
    ids = collection.ids()
    cosines = np.zeros((len(ids), len(asked)), np.float32)
    for start in range(0, len(ids), PART):
        _, read = collection.passages_and_vectors(ids[start : start + PART])
        cosines[start : start + len(read)] = read @ vectors.T
    best = np.argpartition(-cosines, FOUND, axis=0)[:FOUND].T
    nearest = collection.nearest(vectors, FOUND)
    found = [
        len(names.keys() & {ids[row] for row in rows}) / FOUND
        for rows, names in zip(best, nearest, strict=True)
    ]
    return {"questions": len(asked), "recall_of_chroma": round(float(np.mean(found)), 3)}


def change(settings: Settings, passages: int, folder: Path) -> dict[str, Any]:
    """One more document of twenty passages, until it is found; then it goes again."""
    collection = open_collection(settings, NAME)
    [made, *_] = make_part(passages // PART + 1)
    lexical_index(collection)
    encoder = WordEmbedder()
    written = seconds(lambda: _write(collection, encoder, [made]))
    lexical = seconds(lambda: lexical_index(collection))
    spread = seconds(lambda: refresh(collection, settings))
    question = made.texts[7][:60]
    [hit] = retrieve(question, collection, settings, 1)
    if hit.passage.source != made.name:
        raise SystemExit(f"The new document is not found: {question}")
    gone = seconds(lambda: _remove(collection, made.name))
    return {
        "written": written,
        "lexical": lexical,
        "refreshed": spread,
        "removed": gone,
        "lexical_again": seconds(lambda: lexical_index(collection)),
    }


def ask(question: str, settings: Settings) -> list[Hit]:
    """As an answer asks: the collection is opened for each question."""
    return open_pool(settings, [NAME]).retrieve(question, settings, FOUND)


def texts(collection: Collection, ids: Sequence[str]) -> list[str]:
    passages, _ = collection.passages_and_vectors(ids)
    return [passage.text for passage in passages]


def raw_bm25s(lexical: LexicalIndex, questions: Sequence[str]) -> Any:
    """The library's index, of our arrays: made by itself it takes minutes and many gigabytes."""
    import bm25s

    part = lexical.parts[0]  # all but what has come since
    postings = part.postings
    sizes = np.diff(postings.starts)
    rarity = np.log1p((lexical.size - sizes + 0.5) / (sizes + 0.5)).astype(np.float32)
    raw = bm25s.BM25(method="lucene")
    raw.nonoccurrence_array = None
    raw.scores = {
        "data": np.repeat(rarity, sizes) * part.weights,
        "indices": np.array(postings.rows),
        "indptr": np.array(postings.starts),
        "num_docs": postings.size,
    }
    asked = {word for question in questions for word in words(question)}
    places = {word: postings.place(word) for word in asked}
    raw.vocab_dict = {word: place for word, place in places.items() if place is not None}
    return raw


def summary(times: dict[str, list[float]]) -> dict[str, Any]:
    """Milliseconds, and the fused query as a multiple of both raw ones."""
    middle = {name: round(float(np.median(found)), 2) for name, found in times.items()}
    high = {name: round(float(np.percentile(found, 95)), 2) for name, found in times.items()}
    both = np.array(times["chroma"]) + np.array(times["bm25s"])
    return {
        "p50": middle,
        "p95": high,
        "ratio": round(middle["fused"] / (middle["chroma"] + middle["bm25s"]), 2),
        "ratio_p95": round(high["fused"] / float(np.percentile(both, 95)), 2),
        "target": TARGET,
    }


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return round(time.perf_counter() - begun, 2)


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def disk_mb(folder: Path) -> dict[str, int]:
    """Of the catalogue, of Chroma, and of the lexical index."""
    parts = {"catalogue": "index.db*", "chroma": "chroma/**/*", "lexical": "collections/**/*"}
    sizes: dict[str, int] = {}
    for name, pattern in parts.items():
        files = [path for path in folder.glob(pattern) if path.is_file()]
        sizes[name] = sum(path.stat().st_size for path in files) // 2**20
    return sizes


STAGES: dict[str, Callable[[Settings, int, Path], dict[str, Any]]] = {
    "ingest": ingest,
    "index": index,
    "opening": opening,
    "queries": queries,
    "exactness": exactness,
    "change": change,
}


def run_stage(stage: str, passages: int, folder: Path) -> None:
    encoder = WordEmbedder()
    embeddings._load = lambda name, *_: encoder  # type: ignore[assignment]
    settings = load_settings(home=folder / "workspace", chroma_url="", reranker="")
    found = STAGES[stage](settings, passages, folder)
    write_json(folder / f"{stage}.json", {"peak_mb": peak_mb()} | found)


def measure(passages: int, folder: Path) -> dict[str, Any]:
    """All stages of one size; those that have ended before are read."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"passages": passages}
    for stage in STAGES:
        path = folder / f"{stage}.json"
        if not path.exists():
            command = [sys.executable, "-m", "benchmarks.million", "--stage", stage]
            about = ["--folder", str(folder), "--passages", str(passages)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            subprocess.run([*command, *about], check=True, cwd=ROOT, env=environment)
        found[stage] = json.loads(path.read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", default="10000,100000")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "million")
    parser.add_argument("--stage", choices=STAGES, help="one stage of one size, in this process")
    options = parser.parse_args()
    sizes = [int(size) for size in options.passages.split(",")]
    if options.stage:
        run_stage(options.stage, sizes[0], options.folder)
        return
    for size in sizes:
        print_json(measure(size, options.folder.resolve() / str(size)))


if __name__ == "__main__":
    main()
