"""A question and texts in another language -> how near in meaning the best of them is.

Words tell what texts in the question's own language are about; meaning counts only where an asset
has hardly any such text: it is less sure, as a question about nothing here is near to something. A
cosine says little by itself: one question is near to every text, another to none. So everyday
sentences in the language of the texts (`rag.everyday`) tell what this very question reaches where
nothing is about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag.embeddings import Embedder, embed_question, load_embedder
from rag.everyday import everyday
from workbench.errors import WorkbenchError
from workbench.language import language_of
from workbench.settings import Settings

SPEAKS = 0.1  # share of an asset's texts in a language from which words tell what it holds

_missing: set[tuple[str, Path]] = set()  # (embedder, workspace) that could not be loaded


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as it is asked of texts in another language.

    `vector` is of unit length; `usual` is its mean cosine with everyday sentences.
    """

    vector: np.ndarray
    usual: float


def ask(
    question: str, written: str, embedder: Embedder, crossing: np.ndarray | None = None
) -> Asked | None:
    """The question for texts written in that language.

    None where it is the question's own, or the embedder does not read across. `crossing` is added
    to the vector, if the texts have their own; else the usual step between the languages.
    """
    asked = language_of(question)
    if asked == written or not _reads(asked, written, embedder):
        return None
    known = everyday(embedder)
    step = known.step(asked, written) if crossing is None else crossing
    moved = embed_question(question, embedder) + step
    vector = moved / np.linalg.norm(moved)
    return Asked(vector, float((known.sentences[written] @ vector).mean()))


def speaks(language: str, texts: Mapping[str, int]) -> bool:
    """Whether an asset has texts in that language; `texts` counts them by language."""
    return texts.get(language, 0) >= SPEAKS * sum(texts.values())


@lru_cache(maxsize=16)
def _reads(asked: str, written: str, embedder: Embedder) -> bool:
    return everyday(embedder).reads(asked, written)


def nearest(
    question: str, texts: tuple[str, ...], vectors: np.ndarray, embedder: Embedder
) -> dict[str, float]:
    """Language of the texts -> how near the best of them is; only other languages that are read.

    `vectors` is float (texts, dimension).
    """
    near: dict[str, float] = {}
    languages = _by_language(texts)
    counts = {written: len(rows) for written, rows in languages.items()}
    if speaks(language_of(question), counts):
        return near
    for written, rows in languages.items():
        asked = ask(question, written, embedder)
        if asked is not None:
            near[written] = float((vectors[rows] @ asked.vector).max()) - asked.usual
    return near


@lru_cache(maxsize=4)
def _by_language(texts: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Language -> the rows of its texts."""
    languages = np.array([language_of(text) for text in texts])
    return {str(name): np.flatnonzero(languages == name) for name in np.unique(languages)}


def embedder_of(settings: Settings) -> Embedder | None:
    """The embedder of the settings; None where it cannot be had: words alone count then.

    What failed is not tried again by this process: each question would wait for a silent hub.
    """
    wanted = (settings.embedder, settings.home)
    if wanted in _missing:
        return None
    try:
        return load_embedder(settings.embedder, settings)
    except WorkbenchError:
        _missing.add(wanted)
        return None
