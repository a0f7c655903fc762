"""Two texts -> how much of the first the second covers; rare words count more."""

from __future__ import annotations

from typing import Protocol

from workbench.language import words


class Rarity(Protocol):
    """A lexical index, or a pool of them."""

    def rarity(self, word: str) -> float:
        """Inverse document frequency."""
        ...


def coverage(question: str, text: str, index: Rarity) -> float:
    """Share of the question's words, by rarity, that the text contains, in [0, 1].

    Zero for a question without words.
    """
    weights = {word: index.rarity(word) for word in words(question)}
    total = sum(weights.values())
    if not total:
        return 0.0
    found = set(words(text))
    return sum(weight for word, weight in weights.items() if word in found) / total
