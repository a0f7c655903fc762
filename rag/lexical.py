"""Texts -> words -> BM25: the leg that finds names, numbers and rare words, in any language."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.files import writing
from workbench.language import words

FORMAT = 2  # of the folder; grows when what counts as a word changes
K1, B = 1.5, 0.75  # how soon a word's repetitions count no more, and how much long texts lose


class LexicalIndex:
    """BM25 (Robertson & Zaragoza 2009; Lucene's variant) over passages in a fixed order."""

    def __init__(self, ids: Sequence[str], index: Any, vocabulary: dict[str, int]) -> None:
        self.ids = ids
        self.rows = {name: row for row, name in enumerate(ids)}
        self._index = index  # None where no passage has a word
        self._vocabulary = vocabulary

    @classmethod
    def build(cls, passages: Iterable[tuple[str, str]]) -> LexicalIndex:
        """From (id, text) pairs."""
        import bm25s
        from bm25s.tokenization import Tokenized

        ids: list[str] = []
        vocabulary: dict[str, int] = {}
        documents: list[list[int]] = []
        for name, text in passages:
            ids.append(name)
            documents.append([vocabulary.setdefault(word, len(vocabulary)) for word in words(text)])
        if not vocabulary:  # bm25s fails on nothing but punctuation
            return cls(ids, None, vocabulary)
        index = bm25s.BM25(method="lucene", k1=K1, b=B)
        tokenized = Tokenized(ids=documents, vocab=vocabulary)
        index.index(tokenized, create_empty_token=False, show_progress=False)
        return cls(ids, index, vocabulary)

    def scores(self, question: str) -> np.ndarray:
        """float32 (passages,): the BM25 score of each; zero where no word is shared."""
        known = [self._vocabulary[word] for word in words(question) if word in self._vocabulary]
        if self._index is None or not known:
            return np.zeros(len(self.ids), np.float32)
        return self._index.get_scores_from_ids(known)

    def rarity(self, word: str) -> float:
        """Inverse document frequency: high for words of few passages, highest for unknown words."""
        frequency = self.held(word)
        return math.log1p((len(self.ids) - frequency + 0.5) / (frequency + 0.5))

    def held(self, word: str) -> int:
        """Document frequency: the number of passages that contain the word."""
        row = self._vocabulary.get(word)
        if row is None or self._index is None:
            return 0
        ends = self._index.scores["indptr"]
        return int(ends[row + 1] - ends[row])

    def ceiling(self, question: str) -> float:
        """The BM25 score that no passage can exceed; above zero. Unknown words are the rarest."""
        return sum(map(self.rarity, words(question))) or 1.0

    def coverage(self, question: str) -> np.ndarray:
        """float32 (passages,): BM25 as a share of its ceiling, in [0, 1]."""
        return self.scores(question) / np.float32(self.ceiling(question))

    def save(self, folder: Path) -> None:
        """Write the index, complete or not at all. Raises Unwritable."""
        if folder.exists():  # another process has written the same revision
            return
        with writing(folder) as part:
            part.mkdir()
            vocabulary = json.dumps(self._vocabulary, ensure_ascii=False)
            (part / "ids.json").write_text(json.dumps(list(self.ids)), "utf-8")
            (part / "words.json").write_text(vocabulary, "utf-8")
            if self._index is not None:
                self._index.save(part / "bm25", show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Read what `save` wrote, its arrays memory-mapped. Raises FileNotFoundError."""
        import bm25s

        ids = json.loads((folder / "ids.json").read_text("utf-8"))
        vocabulary = json.loads((folder / "words.json").read_text("utf-8"))
        if not vocabulary:
            return cls(ids, None, vocabulary)
        return cls(ids, bm25s.BM25.load(folder / "bm25", mmap=True), vocabulary)


def coverage_of(question: str, texts: Sequence[str], rarity: Callable[[str], float]) -> list[float]:
    """BM25 of each text as a share of its ceiling, in [0, 1], by words of any given rarity.

    The length that counts as usual is the mean of these texts.
    """
    asked = words(question)
    weights = {word: rarity(word) for word in asked}
    ceiling = sum(weights[word] for word in asked) or 1.0
    counts = [Counter(words(text)) for text in texts]
    usual = sum(count.total() for count in counts) / max(1, len(counts)) or 1.0
    shares = []
    for count in counts:
        discount = K1 * (1 - B + B * count.total() / usual)
        reached = sum(weights[word] * count[word] / (count[word] + discount) for word in asked)
        shares.append(reached / ceiling)
    return shares
