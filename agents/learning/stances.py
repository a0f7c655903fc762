"""Judgements -> for each question what they say together of each agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from agents.learning.judgements import Judgement, applies
from workbench.language import words


@dataclass(frozen=True, eq=False)
class Stance:
    """One question. `weights` has for each agent from -1, surely worse, to 1, surely better.

    However often one question is judged, it is one question: that is why a weight ends at 1.
    """

    question: str
    weights: Mapping[str, float]
    judgements: tuple[Judgement, ...]

    @property
    def best(self) -> str:
        """The agent that answers it best; empty where none is better than nothing."""
        mode = max(self.weights, key=self.weights.__getitem__, default="")
        return mode if self.weights.get(mode, 0.0) > 0 else ""

    def gain(self, mode: str, instead_of: str) -> float:
        """How much better `mode` is than that agent, from -1 to 1.

        Where a third one is better still, the question speaks against `mode`.
        """
        own = self.weights.get(mode, 0.0)
        most = max(self.weights.values(), default=0.0)
        rival = self.weights.get(instead_of, 0.0) if own >= most else most
        return max(-1.0, min(1.0, own - rival))


def take_stances(judgements: Iterable[Judgement], chosen: Mapping[str, str]) -> list[Stance]:
    """One for each question, whatever its case and punctuation; the oldest question first.

    Judgements about other collections, sources or runs than `chosen`, by mode, are left out.
    """
    of_question: dict[str, list[Judgement]] = {}
    for judgement in sorted(judgements, key=lambda one: one.created):
        if applies(judgement, chosen):
            of_question.setdefault(key_of(judgement.question), []).append(judgement)
    return [_stance(found) for found in of_question.values()]


@lru_cache(maxsize=4096)
def key_of(question: str) -> str:
    """The same text for the same question, whatever its case and punctuation."""
    return " ".join(words(question))


def _stance(judgements: list[Judgement]) -> Stance:
    weights: dict[str, float] = {}
    for judgement in judgements:
        for mode in judgement.better:
            weights[mode] = weights.get(mode, 0.0) + judgement.weight
        for mode in judgement.worse:
            weights[mode] = weights.get(mode, 0.0) - judgement.weight
    held = {mode: max(-1.0, min(1.0, weight)) for mode, weight in weights.items()}
    return Stance(judgements[-1].question, held, tuple(judgements))
