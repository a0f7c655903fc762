"""Passages -> the sentences that answer best, quoted with their numbers: the answer when no model is connected."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from rag.fusion import fuse, stretch
from rag.lexical import words

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？；])|\n+")
QUOTES = 3


def sentences(text: str) -> list[str]:
    """The text's sentences and lines, without headings' and rules' marks."""
    found = (part.strip() for part in SENTENCE.split(text))
    return [part for part in found if words(part) and not re.fullmatch(r"[\s|:-]+", part)]


def best_sentences(
    question: str,
    passages: Sequence[str],
    rarity: Callable[[str], float],
    similarity: Callable[[Sequence[str]], np.ndarray],
    dense_weight: float,
    count: int = QUOTES,
) -> list[tuple[int, str]]:
    """(passage number from 1, sentence), best first: by the question's rare words and by similarity.

    `similarity` gives float (sentences,) cosines with the question. A sentence of an earlier passage wins a tie.
    """
    rows = [(number, part) for number, text in enumerate(passages, 1) for part in sentences(text)]
    if not rows:
        return []
    asked = set(words(question))
    shared = np.array([sum(rarity(word) for word in asked & set(words(part))) for _, part in rows], np.float32)
    ranks = np.array([1 / number for number, _ in rows], np.float32)  # the retrieval's own order counts too
    meaning = stretch(similarity([part for _, part in rows]))
    score = fuse(meaning, stretch(shared), dense_weight) + 0.3 * ranks
    score -= 0.5 * np.array([len(set(words(part))) <= 3 for _, part in rows])  # a bare heading says nothing
    order = np.argsort(-score, kind="stable")
    chosen = [rows[row] for row in order[:count] if score[row] >= 0.55 * score[order[0]]]
    return list(dict.fromkeys(chosen))
