"""An embedder -> whether it spans Chinese and English: puts texts of one meaning together."""

from __future__ import annotations

import numpy as np

from agents.databases.vectors import vectors_of
from rag.embeddings import Embedder

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


def spans(embedder: Embedder) -> bool:
    """Whether enough of the English phrases are nearest to their own translation."""
    english = vectors_of(tuple(phrase for phrase, _ in TRANSLATIONS), embedder)
    chinese = vectors_of(tuple(phrase for _, phrase in TRANSLATIONS), embedder)
    nearest = np.argmax(english @ chinese.T, axis=1)
    found = nearest == np.arange(len(TRANSLATIONS))
    return bool(found.mean() >= ENOUGH)
