"""A question and its best passages -> does the collection speak of it at all?

Every search finds something. What it finds for questions from elsewhere (`foreign_questions.toml`) shows what chance
scores in this collection, per script: a question is answered only where a leg does better than that.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.lexical import LexicalIndex, script, words
from rag.passages import Hit

CHANCE = 0.95  # share of the foreign questions that must score less


@dataclass(frozen=True)
class Chance:
    """The best a foreign question reaches: cosine of its nearest passage, share of its words in one passage."""

    dense: float
    coverage: float


def coverage(question: str, text: str, index: LexicalIndex) -> float:
    """Share of the question's words that the text holds, each weighed by how rare it is in the collection."""
    weights = {word: index.rarity(word) for word in words(question)}
    total = sum(weights.values())
    held = set(words(text))
    return sum(weight for word, weight in weights.items() if word in held) / total if total else 0.0


def foreign_questions() -> dict[str, list[str]]:
    return tomllib.loads(Path(__file__).with_name("foreign_questions.toml").read_text("utf-8"))


def learn_chance(texts: Sequence[str], vectors: np.ndarray, asked: np.ndarray, questions: Sequence[str]) -> Chance:
    """Chance of one script. Shapes: vectors (passages, d), asked (questions, d)."""
    index = LexicalIndex.build((str(row), text) for row, text in enumerate(texts))
    dense = (asked @ vectors.T).max(axis=1)
    best = [coverage(question, texts[int(index.scores(question).argmax())], index) for question in questions]
    return Chance(float(np.quantile(dense, CHANCE)), float(np.quantile(best, CHANCE)))


def relevant(question: str, hits: Sequence[Hit], index: LexicalIndex, chances: dict[str, Chance]) -> bool:
    """Whether a passage beats chance in either leg; where chance was not learned, any shared word will do."""
    chance = chances.get(script(question), Chance(dense=2.0, coverage=0.0))
    return any(
        hit.dense > chance.dense or coverage(question, hit.passage.text, index) > chance.coverage for hit in hits
    )
