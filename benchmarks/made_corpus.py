"""A seed -> documents in two languages, questions with known answers, and vectors for all of them.

Words follow Zipf's law, and half of a document's words belong to its topic. A text's vector is the
mean of its words' directions, where words of one topic lie together: so vectors are clustered, and
a question made of a passage's words lies near the passage. No model runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from zlib import crc32

import numpy as np

from rag.everyday import everyday_texts
from rag.sentence_models import Role
from workbench.language import words

DIMENSION = 384
TOPICS = 256
DIRECTIONS = 16_384  # of words; several words share one
TOGETHER = 0.4  # length of a topic's direction, where that of a word is 1
ENGLISH, CHINESE, CHARACTERS = 200_000, 40_000, 2_500  # words of each, and characters of Chinese
SHARE_OF_CHINESE = 0.3
PASSAGES = 20  # of a document
DOCUMENTS = 250  # of a part, which is made at once
PART = DOCUMENTS * PASSAGES
COMMON = 300  # so many of the most frequent words tell little
MOST_PARTS = 20  # of which questions are made
ASKED = 6  # words of a question that tell something; three common ones are added


class WordEmbedder:
    """An embedder in the sense of `rag.sentence_models`, by words alone.

    The everyday lines of `rag.everyday` lie where a model that reads both languages puts them.
    """

    name, dimension, max_tokens = "made", DIMENSION, 256

    def __init__(self) -> None:
        chance = np.random.default_rng(1)
        own = chance.normal(size=(DIRECTIONS, DIMENSION)).astype(np.float32)
        topics = chance.normal(size=(TOPICS, DIMENSION)).astype(np.float32)
        self._directions = own + TOGETHER * topics[np.arange(DIRECTIONS) % TOPICS]
        lines = list(zip(*everyday_texts().values(), strict=True))
        self._lines = {text: line for line, texts in enumerate(lines) for text in texts}

    def embed(self, texts: Sequence[str], role: Role = "document") -> np.ndarray:
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in enumerate(texts):
            places = [crc32(word.encode()) % DIRECTIONS for word in words(text)] or [0]
            if text in self._lines:
                places = [self._lines[text]]
            vectors[row] = self._directions[places].mean(axis=0)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@dataclass(frozen=True)
class MadeDocument:
    """A document's name, and a text for each of its passages."""

    name: str
    texts: list[str]


@dataclass(frozen=True)
class Vocabulary:
    """Words, most frequent first, and how a text joins them. `places` are a topic's words."""

    words: np.ndarray
    odds: np.ndarray
    places: list[np.ndarray]
    space: str
    stop: str
    length: int

    def draw(self, topic: int, count: int, chance: np.random.Generator) -> np.ndarray:
        """`count` texts as rows of words: half of the topic, half of any."""
        size = count * self.length
        general = np.searchsorted(self.odds, chance.random(size))
        own = self.places[topic]
        topical = own[np.searchsorted(_zipf(len(own)), chance.random(size))]
        drawn = np.where(chance.random(size) < 0.5, general, topical)
        return drawn.reshape(count, self.length)

    def text(self, row: np.ndarray) -> str:
        sentences = np.array_split(self.words[row], max(1, len(row) // 15))
        return "".join(self.space.join(part) + self.stop for part in sentences).strip()


@cache
def vocabularies() -> dict[str, Vocabulary]:
    chance = np.random.default_rng(2)
    english = np.array([f"w{rank}" for rank in range(ENGLISH)])
    first, second = (
        np.floor(CHARACTERS * chance.random((2, CHINESE)) ** 2).astype(int) + 0x4E00
    )  # squared: some characters are in many words
    chinese = np.array([chr(one) + chr(two) for one, two in zip(first, second, strict=True)])
    return {
        "en": _vocabulary(english, " ", ". ", 90),
        "zh": _vocabulary(chinese, "", "。", 115),
    }


def make_part(number: int) -> list[MadeDocument]:
    """The documents of one part; the same for the same number."""
    documents: list[MadeDocument] = []
    for name, vocabulary, rows in _drawn(number):
        documents.append(MadeDocument(name, [vocabulary.text(row) for row in rows]))
    return documents


def make_questions(parts: int, count: int) -> Iterator[tuple[str, str]]:
    """(question, text of the passage that it was made of), from any of so many parts."""
    chance = np.random.default_rng(3)
    chosen = min(parts, MOST_PARTS)
    for number in chance.choice(parts, size=chosen, replace=False):
        drawn = _drawn(int(number))
        for _ in range(-(-count // chosen)):
            _, vocabulary, rows = drawn[chance.integers(DOCUMENTS)]
            row = rows[chance.integers(PASSAGES)]
            telling = chance.choice(row[row >= COMMON], ASKED)
            asked = [*telling, *chance.integers(0, COMMON, 3)]
            yield vocabulary.space.join(vocabulary.words[asked]), vocabulary.text(row)


def _drawn(number: int) -> list[tuple[str, Vocabulary, np.ndarray]]:
    """Name, vocabulary and rows of words of each document of a part."""
    chance = np.random.default_rng([4, number])
    drawn: list[tuple[str, Vocabulary, np.ndarray]] = []
    for place in range(DOCUMENTS):
        language = "zh" if chance.random() < SHARE_OF_CHINESE else "en"
        vocabulary = vocabularies()[language]
        rows = vocabulary.draw(int(chance.integers(TOPICS)), PASSAGES, chance)
        drawn.append((f"/made/{number:05}/{place:03}.txt", vocabulary, rows))
    return drawn


def _vocabulary(found: np.ndarray, space: str, stop: str, length: int) -> Vocabulary:
    topic = np.array([crc32(word.encode()) % DIRECTIONS % TOPICS for word in found])
    places = [np.flatnonzero(topic == number) for number in range(TOPICS)]
    return Vocabulary(found, _zipf(len(found)), places, space, stop, length)


@cache
def _zipf(size: int) -> np.ndarray:
    """The cumulated chances of so many words: the n-th is drawn with a chance of 1 / n."""
    odds = 1 / np.arange(1, size + 1)
    return np.cumsum(odds) / odds.sum()
