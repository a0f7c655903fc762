"""A workspace with one collection of so many passages, of which one answers the question.

    python benchmarks/many_passages.py FOLDER [--passages 10000]

The texts are words of ordinary English drawn by Zipf's law, with vectors around a few centres; so
the collection is made in seconds. The passage that answers and every question have real vectors.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from rag.calibration import calibrate
from rag.embeddings import load_embedder
from rag.passages import Document, Passage
from rag.store import create_collection
from workbench.ordinary import ordinary_words
from workbench.settings import Settings, load_settings

NAME = "many"
QUESTION = "How many days of annual leave does a person have?"
ANSWER = "A person has twenty-five days of annual leave."
WORDS = 60  # of a passage
VOCABULARY = 20_000
CENTRES = 300
AT_ONCE = 10_000  # passages


def make_workspace(settings: Settings, count: int) -> None:
    """Fill and calibrate the collection, unless the workspace has one."""
    if (settings.folder() / "index.db").exists():
        return
    chance = np.random.default_rng(1)
    embedder = load_embedder(settings.embedder, settings)
    collection = create_collection(settings, NAME, settings.embedder, embedder.dimension)
    centres = chance.normal(size=(CENTRES, embedder.dimension))
    with collection.writing():
        for start in range(0, count, AT_ONCE):
            size = min(AT_ONCE, count - start)
            texts = make_texts(size, chance)
            drawn = centres[chance.integers(0, CENTRES, size)]
            drawn = drawn + chance.normal(size=drawn.shape)
            vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
            names = [f"{NAME}/{start + row:07}.md" for row in range(size)]
            documents = [Document(name, "", 0, 0, "indexed", passages=1) for name in names]
            passages = [
                Passage(name, text, name, 0) for name, text in zip(names, texts, strict=True)
            ]
            collection.replace(documents, passages, vectors.astype(np.float32))
        answer = Passage("answer", ANSWER, "leave.md", 0)
        told = Document("leave.md", "", 0, 0, "indexed", passages=1)
        collection.replace([told], [answer], embedder.embed([ANSWER]))
    calibrate(collection, settings)


def make_texts(count: int, chance: np.random.Generator) -> list[str]:
    """Sentences of twelve words; the n-th most frequent word is drawn with chance 1/n."""
    words = np.array(ordinary_words("en")[:VOCABULARY])
    odds = 1 / np.arange(1, len(words) + 1)
    drawn = words[chance.choice(len(words), size=(count, WORDS), p=odds / odds.sum())]
    return [". ".join(" ".join(part) for part in np.split(row, 5)) + "." for row in drawn]


def main() -> None:
    """Read the options and make it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=10_000)
    options = parser.parse_args()
    begun = time.perf_counter()
    make_workspace(load_settings(home=options.folder.absolute()), options.passages)
    print(f"{options.passages:,} passages in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
