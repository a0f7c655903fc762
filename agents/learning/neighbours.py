"""A question and judged questions -> the agent that those like it are answered better by.

A question moves to another agent where judged questions around it agree. Around it are those that
are near in meaning: nearer than everyday questions by a good part of the way to being the same one,
and as near as these judged questions are to each other, so that a narrow topic stays narrow. They
must also name some of the same things. Three questions at least must agree, and each that disagrees
takes one of them away: one person's click moves nothing.

The constants were chosen on half of the topics in benchmarks/questions/router_topics.tsv.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from agents.learning.stances import Stance, key_of
from agents.learning.vectors import question_vectors
from agents.nearness import embedder_of
from agents.registry import NOBODY
from rag.embeddings import Embedder, embed_question
from rag.everyday import everyday
from workbench.language import language_of, words
from workbench.ordinary import joins_by_accident, rarity
from workbench.settings import Settings

NEEDED = 3  # judged questions that agree, more than disagree
NEAR = 0.4  # of the way from an everyday question to the same question, the nearest three's mean
MARGIN = 0.03  # that a question may be further from them than they are from each other
UNEXPLAINED = 0.1  # the same for a question that no asset explains: less speaks against moving it
SHARED = 0.3  # of the question's weight whose words the nearest three share, their mean
STRANGE = 0.25  # of its weight, for a pair of signs that is no word and that nobody judged either
FOLDER = "vectors"


@dataclass(frozen=True)
class Preference:
    """Where a question goes instead, and the judged questions that say so, the nearest first."""

    mode: str
    stances: tuple[Stance, ...]

    @property
    def by_people(self) -> bool:
        """Whether a person's judgement is among them, not only a comparison's."""
        return any(one.by_people for stance in self.stances for one in stance.judgements)


def prefer(
    question: str,
    chosen: str,
    offered: Collection[str],
    stances: Sequence[Stance],
    settings: Settings,
) -> Preference | None:
    """The agent that answers better than `chosen`; None where too little says so.

    `offered` are the modes that can answer.
    """
    own = key_of(question)
    if len(stances) < NEEDED or not own:
        return None
    embedder = embedder_of(settings)
    if embedder is None:
        return None
    near = _Nearness(question, stances, embedder, settings)
    best: Preference | None = None
    most = 0.0
    for mode in offered:
        found = _agreeing(mode, chosen, stances, near) if mode != chosen else None
        if found is None:
            continue
        agreeing, support = found
        if support > most:
            most = support
            best = Preference(mode, tuple(stances[row] for row in agreeing))
    return best


class _Nearness:
    """How near a question and judged questions are: 0 as an everyday one, 1 the same one."""

    def __init__(
        self, question: str, stances: Sequence[Stance], embedder: Embedder, settings: Settings
    ) -> None:
        texts = tuple(stance.question for stance in stances)
        self.all = nearness_among(texts, embedder, settings)
        vectors = question_vectors(texts, embedder, settings.own.folder(FOLDER))
        self._words = [_words(text) for text in texts]
        self._weights = self._weigh(question)
        asked = embed_question(question, embedder)
        means = {
            name: float((rows @ asked).mean())
            for name, rows in everyday(embedder).questions.items()
        }
        usual = np.array([means[_language(text)] for text in texts])
        self.to_question = _part(vectors @ asked, usual)

    def shared(self, row: int) -> float:
        """The share of the question's weight whose words that judged question has."""
        total = sum(self._weights.values())
        known = self._words[row]
        same = sum(weight for word, weight in self._weights.items() if word in known)
        return same / total if total else 0.0

    def _weigh(self, question: str) -> dict[str, float]:
        """Word -> its rarity. Where two Chinese words meet, a pair of signs says nothing."""
        weights = {word: rarity(word) for word in words(question)}
        for word in weights:
            if joins_by_accident(word) and not any(word in known for known in self._words):
                weights[word] *= STRANGE
        return weights


@lru_cache(maxsize=4096)
def _language(text: str) -> str:
    return language_of(text)


def nearness_among(texts: Sequence[str], embedder: Embedder, settings: Settings) -> np.ndarray:
    """float (texts, texts): how near these questions are to each other."""
    return _nearness_among(tuple(texts), embedder, settings.own.folder(FOLDER))


@lru_cache(maxsize=8)
def _nearness_among(texts: tuple[str, ...], embedder: Embedder, folder: Path) -> np.ndarray:
    vectors = question_vectors(texts, embedder, folder)
    ordinary = everyday(embedder).questions
    own = [
        (ordinary[_language(text)] @ vector).mean()
        for text, vector in zip(texts, vectors, strict=True)
    ]
    usual = np.array(own)
    return _part(vectors @ vectors.T, (usual[:, None] + usual[None, :]) / 2)


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(words(text))


def _part(cosines: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Which part of the way from `usual` to 1 the cosines have come."""
    return (cosines - usual) / np.maximum(1 - usual, 1e-6)


def _agreeing(
    mode: str, chosen: str, stances: Sequence[Stance], near: _Nearness
) -> tuple[list[int], float] | None:
    """The rows that prefer `mode`, the nearest first, and their support; None for too little."""
    gains = np.array([stance.gain(mode, chosen) for stance in stances])
    by_nearness = np.argsort(-near.to_question)
    agreeing = [int(row) for row in by_nearness if gains[row] > 0]
    nearest = agreeing[:NEEDED]
    if len(nearest) < NEEDED or not any(stances[row].weights.get(mode, 0) > 0 for row in nearest):
        return None
    mean = float(near.to_question[nearest].mean())
    margin = UNEXPLAINED if chosen == NOBODY else MARGIN
    if mean < NEAR or mean < _spread(agreeing, near) - margin:
        return None
    if np.mean([near.shared(row) for row in nearest]) < SHARED:
        return None
    around = near.to_question >= min(NEAR, float(near.to_question[nearest].min()))
    support = float(gains[around].sum())
    if support < NEEDED:
        return None
    return [row for row in agreeing if around[row]], support


def _spread(agreeing: Sequence[int], near: _Nearness) -> float:
    """How near the nearest three are to their own nearest three, on average."""
    among = near.all[np.ix_(agreeing[:NEEDED], agreeing)]
    to_others = [np.delete(row, number) for number, row in enumerate(among)]
    return float(np.mean([np.sort(others)[::-1][:NEEDED].mean() for others in to_others]))
