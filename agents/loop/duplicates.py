"""Texts -> groups of near duplicates, by shared runs of characters and, where given, by meaning."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from agents.loop.meaning import SAME
from workbench.language import language_of, simplified

SHINGLE = {"en": 3, "zh": 2}  # characters: a piece of a word, or a word of an unspaced script
ALIKE = 0.65  # share of the shingles of both that two wordings of one question have in common
FIGURE = re.compile(r"[a-z0-9.,-]*\d[a-z0-9-]*")


def normal(text: str) -> str:
    """The text without what does not change what is asked: case, width, spaces, punctuation."""
    wide = simplified(unicodedata.normalize("NFKC", text)).casefold()
    return "".join(sign for sign in wide if sign.isalnum())


@lru_cache(maxsize=65536)
def shingles(text: str) -> frozenset[str]:
    """The short runs of characters of the normal text; a shorter text is its own."""
    plain = normal(text)
    size = SHINGLE[language_of(text)]
    if len(plain) <= size:
        return frozenset([plain])
    return frozenset(plain[at : at + size] for at in range(len(plain) - size + 1))


@lru_cache(maxsize=65536)
def figures(text: str) -> frozenset[str]:
    """The numbers in a text, and the names that hold digits, such as lf-220."""
    return frozenset(FIGURE.findall(unicodedata.normalize("NFKC", text).casefold()))


def tell_apart(one: str, other: str) -> bool:
    """Whether each text has a figure that the other lacks: then they ask about two things."""
    return bool(figures(one) - figures(other)) and bool(figures(other) - figures(one))


def group(texts: Sequence[str], vectors: np.ndarray | None = None) -> list[int]:
    """For each text the place of the first text of its group.

    `vectors` is what `embed_asked` gives for the texts. Texts that share enough shingles, by
    Jaccard's measure, or lie near enough, are joined, and so are groups that they connect.
    """
    first = list(range(len(texts)))
    for one, other in _alike(texts):
        _join(first, one, other)
    if vectors is not None and len(texts):
        near = np.argwhere(np.triu(vectors @ vectors.T, 1) >= SAME)
        for one, other in near.tolist():
            if not tell_apart(texts[one], texts[other]):
                _join(first, one, other)
    return [_root(first, place) for place in range(len(texts))]


def _alike(texts: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of places that share enough; an index of shingles names who may."""
    holders: dict[str, list[int]] = {}
    found: list[tuple[int, int]] = []
    for place, text in enumerate(texts):
        own = shingles(text)
        shared: dict[int, int] = {}
        for piece in own:
            for other in holders.get(piece, ()):
                shared[other] = shared.get(other, 0) + 1
            holders.setdefault(piece, []).append(place)
        for other, count in shared.items():
            if tell_apart(text, texts[other]):
                continue
            if count >= ALIKE * (len(own) + len(shingles(texts[other])) - count):
                found.append((other, place))
    return found


def _root(first: list[int], place: int) -> int:
    while first[place] != place:
        place = first[place]
    return place


def _join(first: list[int], one: int, other: int) -> None:
    low, high = sorted((_root(first, one), _root(first, other)))
    first[high] = low
