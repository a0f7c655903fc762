"""Everyday questions and sentences in two languages -> what an embedder makes of each language.

A line of `everyday.tsv` has a question in English and in Chinese, and a sentence that answers it in
both. No collection is about them, so they also stand for the rest of the world where a collection
has few passages, or none about a question.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag.sentence_models import Embedder

COLUMNS = ("question en", "question zh", "sentence en", "sentence zh")
LANGUAGES = ("en", "zh")  # en: words with spaces between them, zh: scripts without
KNOWN = 0.7  # an embedder that finds fewer of the sentences does not read the language


@dataclass(frozen=True, eq=False)
class Everyday:
    """An embedder's vectors, float32 (lines, dimension), by language."""

    questions: dict[str, np.ndarray]
    sentences: dict[str, np.ndarray]

    def reads(self, asked: str, written: str) -> bool:
        """Whether questions in one language find their sentences in another, or in the same."""
        questions = self.questions[asked] + self.step(asked, written)
        nearest = (questions @ self.sentences[written].T).argmax(axis=1)
        return bool((nearest == np.arange(len(questions))).mean() >= KNOWN)

    def step(self, asked: str, written: str) -> np.ndarray:
        """float32 (dimension,): from where questions of one language lie to those of another.

        The lines say the same in both languages, so what differs is the language alone.
        """
        means = {name: self.questions[name].mean(axis=0) for name in (asked, written)}
        return means[written] - means[asked]


@lru_cache(maxsize=1)
def everyday_texts() -> dict[str, list[str]]:
    """Column -> its texts, in the order of the lines."""
    text = Path(__file__).with_name("everyday.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines()]
    return dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))


@lru_cache(maxsize=4)
def everyday(embedder: Embedder) -> Everyday:
    """The vectors of this embedder, made once per process."""
    texts = everyday_texts()
    questions: dict[str, np.ndarray] = {}
    sentences: dict[str, np.ndarray] = {}
    for language in LANGUAGES:
        questions[language] = embedder.embed(texts[f"question {language}"], "query")
        sentences[language] = embedder.embed(texts[f"sentence {language}"])
    return Everyday(questions, sentences)
