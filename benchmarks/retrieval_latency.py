"""Fused query beside a raw Chroma and a raw bm25s query, at 1 k, 10 k, 100 k passages -> the ratio.

Vectors are synthetic (clusters on the sphere) and so are the texts (words drawn by Zipf's law), so
no model is needed and none is measured: all three get the question's vector ready-made. Each
question is asked of all three in turn, and the medians are compared. The raw queries return what a
person would need: ids, texts, metadata and scores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rag import embeddings
from rag.calibration import calibrate
from rag.lexical_files import lexical_index
from rag.passages import Document, Passage
from rag.retriever import retrieve
from rag.store import Collection, create_collection
from workbench.cli import print_json
from workbench.language import words
from workbench.settings import Settings, load_settings

DIMENSION, WORDS, VOCABULARY, CLUSTERS = 384, 90, 30_000, 300
TARGET = 1.3


class ReadyVectors:
    """An embedder that looks its vectors up, so that no model's time is in the figures."""

    name, dimension, max_tokens = "ready", DIMENSION, 256

    def __init__(self, seed: int = 1) -> None:
        self.held: dict[str, np.ndarray] = {}
        self.chance = np.random.default_rng(seed)
        self.centres = self.chance.normal(size=(CLUSTERS, DIMENSION))

    def draw(self, count: int) -> np.ndarray:
        found = self.centres[self.chance.integers(0, CLUSTERS, count)] + self.chance.normal(
            size=(count, DIMENSION)
        )
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    def embed(self, texts: list[str], role: str = "document") -> np.ndarray:
        missing = [text for text in texts if text not in self.held]
        self.held |= dict(zip(missing, self.draw(len(missing)), strict=True))
        return np.stack([self.held[text] for text in texts])


def make_texts(count: int, length: int, chance: np.random.Generator) -> list[str]:
    """Texts of made-up words; the n-th most frequent is drawn with chance 1/n, as in real text."""
    odds = 1 / np.arange(1, VOCABULARY + 1)
    drawn = chance.choice(VOCABULARY, size=(count, length), p=odds / odds.sum())
    return [
        ". ".join(" ".join(f"w{word}" for word in part) for part in np.array_split(row, 5))
        for row in drawn
    ]


def fill(
    settings: Settings, embedder: ReadyVectors, size: int, chance: np.random.Generator
) -> Collection:
    collection = create_collection(settings, f"size {size}", embedder.name, embedder.dimension)
    with collection.writing():
        for start in range(0, size, 10_000):
            texts = make_texts(min(10_000, size - start), WORDS, chance)
            names = [f"p{start + row:07}" for row in range(len(texts))]
            documents = [Document(name, "", 0, 0, "indexed", passages=1) for name in names]
            passages = [
                Passage(name, text, name, 0) for name, text in zip(names, texts, strict=True)
            ]
            collection.replace(documents, passages, embedder.draw(len(texts)))
    return collection


def measure(
    settings: Settings, embedder: ReadyVectors, size: int, queries: int
) -> dict[str, float]:
    """Median milliseconds of each query at one size, and what getting ready took."""
    import bm25s

    chance = np.random.default_rng(size)
    collection = fill(settings, embedder, size, chance)
    started = time.perf_counter()
    lexical_index(collection)
    indexing = time.perf_counter() - started
    started = time.perf_counter()
    calibrate(collection, settings)
    calibrating = time.perf_counter() - started

    raw = bm25s.BM25()
    texts = [text for _, text in collection.texts()]
    raw.index([words(text) for text in texts], show_progress=False)
    chroma = collection.index.handle()  # the library's own object: what "raw" means here
    questions = make_texts(queries, 9, chance)
    vectors = embedder.embed(questions)

    def ask_chroma(row: int) -> None:
        chroma.query(query_embeddings=vectors[row : row + 1], n_results=10)

    def ask_bm25s(row: int) -> None:
        raw.retrieve([words(questions[row])], corpus=texts, k=10, show_progress=False)

    def ask_ours(row: int) -> None:
        retrieve(questions[row], collection, settings, 10)

    asked: dict[str, Callable[[int], None]] = {
        "chroma": ask_chroma,
        "bm25s": ask_bm25s,
        "fused": ask_ours,
    }
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for row in range(-5, queries):  # the first five warm up
        for name, ask in asked.items():
            started = time.perf_counter()
            ask(max(row, 0))
            if row >= 0:
                taken[name].append(1000 * (time.perf_counter() - started))
    medians = {name: round(float(np.median(times)), 2) for name, times in taken.items()}
    ratio = round(medians["fused"] / (medians["chroma"] + medians["bm25s"]), 2)
    ready = {"lexical_seconds": round(indexing, 1), "calibration_seconds": round(calibrating, 1)}
    return {"passages": size, **medians, "ratio": ratio, **ready}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--queries", type=int, default=100)
    options = parser.parse_args()
    embedder = ReadyVectors()
    embeddings._load = lambda name, *_: embedder  # type: ignore[assignment]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = load_settings(home=Path(folder), chroma_url="", reranker="")
        rows = [measure(settings, embedder, size, options.queries) for size in options.sizes]
    for row in rows:
        print_json(row)
    print_json({"ratio": max(row["ratio"] for row in rows), "target": TARGET})


if __name__ == "__main__":
    main()
