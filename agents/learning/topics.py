"""Judged questions -> topics: those that lie together and are answered best by the same agent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.learning.learned import stances_of
from agents.learning.memory import Learned
from agents.learning.neighbours import NEAR, NEEDED, nearness_among
from agents.learning.stances import Stance
from agents.nearness import embedder_of
from workbench.language import words
from workbench.messages import Message, say
from workbench.ordinary import joins_by_accident, rarity
from workbench.settings import Settings

NAMED = 3  # words in a topic's name


@dataclass(frozen=True)
class Topic:
    """Questions around each other that `mode` answers best; `name` is the words they share."""

    mode: str
    name: str
    stances: tuple[Stance, ...]

    @property
    def missing(self) -> int:
        """How many more questions have to agree before anything moves; 0 for none."""
        return max(0, NEEDED - len(self.stances))

    @property
    def in_words(self) -> Message:
        """Whether it moves questions."""
        if self.missing:
            return say("{missing} more before anything moves", missing=self.missing)
        return say("{count} questions agree", count=len(self.stances))

    def as_row(self) -> dict[str, Any]:
        """The topic as plain data."""
        return {
            "mode": self.mode,
            "name": self.name,
            "missing": self.missing,
            "questions": [stance.question for stance in self.stances],
            "judgements": [one.id for stance in self.stances for one in stance.judgements],
        }


def find_topics(known: Learned, settings: Settings) -> list[Topic]:
    """The largest first. A question alone is a topic of its own; without an embedder all are."""
    stances = [stance for stance in stances_of(known, settings) if stance.best]
    embedder = embedder_of(settings) if stances else None
    topics: list[Topic] = []
    for mode in dict.fromkeys(stance.best for stance in stances):
        of_mode = [stance for stance in stances if stance.best == mode]
        groups = [[row] for row in range(len(of_mode))]
        if embedder is not None:
            near = nearness_among([one.question for one in of_mode], embedder, settings)
            groups = _together(near >= NEAR)
        for group in groups:
            members = tuple(of_mode[row] for row in group)
            topics.append(Topic(mode, _name(members), members))
    return sorted(topics, key=lambda topic: -len(topic.stances))


def _together(near: np.ndarray) -> list[list[int]]:
    """Rows that a chain of near ones joins."""
    left = list(range(len(near)))
    groups: list[list[int]] = []
    while left:
        group = [left.pop(0)]
        for row in group:  # it grows meanwhile
            joined = [other for other in left if near[row, other]]
            group += joined
            left = [other for other in left if other not in joined]
        groups.append(sorted(group))
    return groups


def _name(stances: Sequence[Stance]) -> str:
    """The words that most of the questions have and that name something."""
    held: Counter[str] = Counter()
    for stance in stances:
        held.update(set(words(stance.question)))
    weights = {
        word: count * rarity(word) for word, count in held.items() if not joins_by_accident(word)
    }
    ordered = sorted(weights, key=lambda word: (-weights[word], word))
    return ", ".join([word for word in ordered if weights[word]][:NAMED]) or stances[0].question
