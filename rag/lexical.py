"""Texts -> words -> BM25: the leg that finds names, numbers and rare words, in any language."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.language import words


class LexicalIndex:
    """BM25 (Robertson & Zaragoza 2009; Lucene's variant in bm25s) over passages in a fixed order."""

    def __init__(self, ids: Sequence[str], index: Any, vocabulary: dict[str, int]) -> None:
        self.ids = ids
        self._index = index
        self._vocabulary = vocabulary
        self.rows = {name: row for row, name in enumerate(ids)}

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
        if not vocabulary:  # nothing but punctuation, or nothing at all
            return cls(ids, None, vocabulary)
        index = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        index.index(
            Tokenized(ids=documents, vocab=vocabulary),
            create_empty_token=False,
            show_progress=False,
        )
        return cls(ids, index, vocabulary)

    def scores(self, question: str) -> np.ndarray:
        """float32 (passages,): the BM25 score of each; zero where no word is shared."""
        asked = [self._vocabulary[word] for word in words(question) if word in self._vocabulary]
        if self._index is None or not asked:
            return np.zeros(len(self.ids), np.float32)
        return self._index.get_scores_from_ids(asked)

    def rarity(self, word: str) -> float:
        """Inverse document frequency: high for words of few passages, highest for words of none."""
        held = self.held(word)
        return math.log1p((len(self.ids) - held + 0.5) / (held + 0.5))

    def held(self, word: str) -> int:
        """The number of passages that hold the word."""
        row = self._vocabulary.get(word)
        if row is None or self._index is None:
            return 0
        ends = self._index.scores["indptr"]
        return int(ends[row + 1] - ends[row])

    def ceiling(self, question: str) -> float:
        """The score that no passage can exceed; above zero. Words of no passage count, as the rarest."""
        return sum(map(self.rarity, words(question))) or 1.0

    def coverage(self, question: str) -> np.ndarray:
        """float32 (passages,): the share of the question's weight that each passage matches, in [0, 1]."""
        return self.scores(question) / np.float32(self.ceiling(question))

    def save(self, folder: Path) -> None:
        """Write the index so that a reader sees all of it or nothing. Raises OSError where it cannot be written."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".lexical-") as name:
            part = Path(name) / "index"
            part.mkdir()
            (part / "ids.json").write_text(json.dumps(list(self.ids)), "utf-8")
            (part / "words.json").write_text(
                json.dumps(self._vocabulary, ensure_ascii=False), "utf-8"
            )
            if self._index is not None:
                self._index.save(part / "bm25", show_progress=False)
            try:
                part.rename(folder)
            except OSError:
                if not folder.exists():  # else another process has written the same revision
                    raise

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Read what `save` wrote, its arrays memory-mapped; raises FileNotFoundError where it is not, or not whole."""
        import bm25s

        ids = json.loads((folder / "ids.json").read_text("utf-8"))
        vocabulary = json.loads((folder / "words.json").read_text("utf-8"))
        return cls(
            ids, bm25s.BM25.load(folder / "bm25", mmap=True) if vocabulary else None, vocabulary
        )
