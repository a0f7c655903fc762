"""Embedders made on the spot and collections filled by hand, for the tests of retrieval."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

import numpy as np

from rag.everyday import everyday_texts
from rag.passages import Document, Locator, Passage
from rag.store import Collection, create_collection
from workbench.language import language_of, words
from workbench.settings import Settings

DIMENSION = 64


class NoiseEmbedder:
    """A random direction for each text: knows nothing about meaning."""

    name, dimension, max_tokens = "noise", DIMENSION, 256

    def embed(self, texts: Sequence[str], role: str = "document") -> np.ndarray:
        rows = [
            np.random.default_rng(list(text.encode()) or [0]).normal(size=DIMENSION)
            for text in texts
        ]
        found = np.array(rows, np.float32).reshape(len(texts), DIMENSION)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


class TopicEmbedder(NoiseEmbedder):
    """The mean of its words' directions after `meaning` has put words of one sense together."""

    name = "topic"

    def __init__(self, meaning: Callable[[str], str] = lambda word: word) -> None:
        self.meaning = meaning

    def embed(self, texts: Sequence[str], role: str = "document") -> np.ndarray:
        noise = NoiseEmbedder()
        found = [
            noise.embed([self.meaning(word) for word in words(text)] or ["-"]).mean(axis=0)
            for text in texts
        ]
        rows = np.array(found, np.float32).reshape(len(texts), DIMENSION)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class BilingualEmbedder(TopicEmbedder):
    """Puts the everyday lines where they belong in both languages, and words by their meaning.

    Texts of one language lie apart from those of the other, as those of real embedders do.
    """

    name = "bilingual"

    def embed(self, texts: Sequence[str], role: str = "document") -> np.ndarray:
        rows = [self._direction(text) + 0.5 * self._of_language(text) for text in texts]
        found = np.array(rows, np.float32).reshape(len(texts), DIMENSION)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def _direction(self, text: str) -> np.ndarray:
        for column in everyday_texts().values():
            if text in column:
                return NoiseEmbedder().embed([f"line {column.index(text)}"])[0]
        return super().embed([text])[0]

    def _of_language(self, text: str) -> np.ndarray:
        return NoiseEmbedder().embed([language_of(text)])[0]


# characters that have no other form; each made-up word is written with two of them
WORDS = [f"topic{row}x{number}" for row in range(80) for number in range(6)]
WORDS += [f"common{number}" for number in range(30)]
WRITTEN = {word: chr(0x3500 + at // 40) + chr(0x3800 + at % 40) for at, word in enumerate(WORDS)}
MEANINGS = {written: word for word, written in WRITTEN.items()}


def chinese(text: str) -> str:
    """The made-up words of `topics` in Chinese writing."""
    return re.sub(r"\b(topic|common)\w+", lambda found: WRITTEN[found[0]], text)


def meaning_of(word: str) -> str:
    """The same for both writings; every other word stands for itself."""
    return MEANINGS.get(word, word)


def fill(collection: Collection, texts: dict[str, str], embedder: NoiseEmbedder) -> Collection:
    """Put each text in as a document of one passage; the file's name is its source."""
    passages = [
        Passage(f"id-{name}", text, name, 0, Locator(page=row % 3 + 1))
        for row, (name, text) in enumerate(texts.items())
    ]
    documents = [
        Document(name, "", len(text), 0, "indexed", passages=1) for name, text in texts.items()
    ]
    with collection.writing():
        collection.replace(documents, passages, embedder.embed(list(texts.values())))
    return collection


def make_collection(
    settings: Settings, texts: dict[str, str], embedder: NoiseEmbedder
) -> Collection:
    """A collection of these texts; `known_embedders` must be in use."""
    return fill(create_collection(settings, "test", embedder.name, DIMENSION), texts, embedder)


def topics(count: int, seed: int = 1) -> dict[str, str]:
    """Passages of five sentences, each with its own few words among common ones."""
    chance = random.Random(seed)
    common = [f"common{number}" for number in range(30)]
    texts = {}
    for row in range(count):
        own = [f"topic{row}x{number}" for number in range(6)]
        sentences = [
            " ".join(chance.sample(own, 3) + chance.sample(common, 6)) + "." for _ in range(5)
        ]
        texts[f"file{row:03}.md"] = " ".join(sentences)
    return texts
