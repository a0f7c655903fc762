"""Passages -> the sentences that answer best, quoted with their numbers: the answer when no model is connected."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from rag.fusion import fuse, stretch
from workbench.language import words

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？；])")
WRAPPED = re.compile(
    r"(?<![.!?。！？；:：])\n(?!\s*(?:[-*|#>]|\d+[.)]))"
)  # a line that goes on in the next
QUOTES = 3
SHORT = 260  # characters; an item of a list this short is quoted whole


def sentences(text: str) -> list[str]:
    """What can be quoted: short paragraphs, list items and table rows whole, longer ones by the sentence."""
    heading, _, rest = text.partition("\n")
    paragraphs = ([heading] if rest else []) + WRAPPED.sub(" ", rest or text).split("\n")
    found: list[str] = []
    for paragraph in paragraphs:
        item = re.match(r"\s*(?:[-*]|\d+[.)]|\|)", paragraph)
        found += [paragraph] if item and len(paragraph) <= SHORT else SENTENCE.split(paragraph)
    tidy = (re.sub(r"^[-*]\s+", "", " ".join(part.split())) for part in found)
    return [part for part in tidy if words(part) and not re.fullmatch(r"[\s|:-]+", part)]


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
    shared = np.array(
        [sum(rarity(word) for word in asked & set(words(part))) for _, part in rows], np.float32
    )
    ranks = np.array(
        [1 / number for number, _ in rows], np.float32
    )  # the retrieval's own order counts too
    meaning = stretch(similarity([part for _, part in rows]))
    score = fuse(meaning, stretch(shared), dense_weight) + 0.3 * ranks
    score -= 0.5 * np.array(
        [len(set(words(part))) <= 3 for _, part in rows]
    )  # a bare heading says nothing
    order = np.argsort(-score, kind="stable")
    chosen = [rows[row] for row in order[:count] if score[row] >= 0.55 * score[order[0]]]
    return list(dict.fromkeys(chosen))
