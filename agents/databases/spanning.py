"""Texts and an embedder -> their vectors, kept in memory; whether it spans Chinese and English."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rag.embeddings import Embedder, load_embedder
from workbench.settings import Settings

KEPT = 8  # schemas whose vectors stay in memory
ENOUGH = 0.75  # share of the translations that an embedder must find
TRANSLATIONS = (
    ("student", "学生"),
    ("teacher age", "教师年龄"),
    ("order price", "订单价格"),
    ("city population", "城市人口"),
    ("song name", "歌曲名称"),
    ("hospital", "医院"),
    ("release year", "发行年份"),
    ("airline flight", "航空公司航班"),
)


@lru_cache(maxsize=KEPT)
def vectors_of(texts: tuple[str, ...], embedder: Embedder) -> np.ndarray:
    """float (texts, dimension): the texts' vectors, the same array for the same texts.

    Several answers may ask at a time: lru_cache locks its table, and embeds outside of the lock.
    """
    return embedder.embed(texts)


def spanning_embedder(settings: Settings) -> Embedder | None:
    """The embedder, if it puts Chinese and English of one meaning together."""
    embedder = load_embedder(settings.embedder, settings)
    return embedder if spans(embedder) else None


def spans(embedder: Embedder) -> bool:
    """Whether enough of the English phrases are nearest to their own translation."""
    english = vectors_of(tuple(phrase for phrase, _ in TRANSLATIONS), embedder)
    chinese = vectors_of(tuple(phrase for _, phrase in TRANSLATIONS), embedder)
    nearest = np.argmax(english @ chinese.T, axis=1)
    found = nearest == np.arange(len(TRANSLATIONS))
    return bool(found.mean() >= ENOUGH)
