"""Two texts -> how much of the one the other holds, each word weighed by how rare it is in the collection."""

from __future__ import annotations

from rag.lexical import LexicalIndex
from workbench.language import words


def coverage(question: str, text: str, index: LexicalIndex) -> float:
    """Share of the question's words that the text holds, in [0, 1]; zero for a question without words."""
    weights = {word: index.rarity(word) for word in words(question)}
    total = sum(weights.values())
    held = set(words(text))
    return sum(weight for word, weight in weights.items() if word in held) / total if total else 0.0
