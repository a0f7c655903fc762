"""A question and what a workspace holds -> the share of the question that each asset explains.

One measure serves all agents: the words of the question, each weighed by how rare it is in all
assets together and in general speech, and the share of that weight in the best matching text of an
asset. A word that no asset knows is the rarest: a question that is about such words is explained
little, whatever its other words are. Texts in another language share no words with the question;
there what is nearer in meaning than chance gains.

What chance explains is learned (`agents.floors`): a question that is explained less has no answer.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from agents.registry import AGENTS
from workbench.language import words
from workbench.ordinary import joins_by_accident, rarity
from workbench.settings import Settings

# weight of what a question leaves unsaid: one ordinary word ("good morning") speaks for little
UNSAID = 1.0
MEANING = 0.1  # what each standard deviation beyond chance gains, as in choosing columns
ACCIDENTAL = 0.5  # of the weight, for a pair of signs that is no word, as most such pairs are

Weights = Mapping[str, float]  # word of the question -> how rare it is
Chance = Mapping[str, tuple[float, float]]  # part of an asset -> mean and deviation of nearness


@dataclass(frozen=True)
class Match:
    """The best of one asset. `score` is in [0, 1], `reason` one line for the person.

    `near` says of each language but the question's how near in meaning the asset's texts are
    (`agents.nearness`). `found` is for the asset's own agent: what it need not search again.
    """

    score: float
    reason: str
    found: Any = None
    near: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What speaks for the agent `mode`: the score of its match, with what its meaning gains.

    `said` is how much the question says at all: its weight beside what it leaves unsaid.
    """

    mode: str
    score: float
    reason: str
    found: Any = None
    near: Mapping[str, float] = field(default_factory=dict)
    said: float = 1.0


class Asset(Protocol):
    """Texts to answer from."""

    @property
    def size(self) -> int:
        """The number of texts."""
        ...

    def held(self, word: str) -> int:
        """The number of texts with that word."""
        ...

    def best(self, question: str, weights: Weights) -> Match:
        """The text that explains most of the question."""
        ...

    def knows(self, question: str) -> bool:
        """Whether a person has put this very question and its answer here: nothing is weighed."""
        ...

    @property
    def state(self) -> str:
        """A short text that is another one whenever the texts are others."""
        ...

    def samples(self) -> Sequence[str]:
        """Some of its own questions or sentences, the same ones on every call."""
        ...


def find_assets(settings: Settings) -> dict[str, Asset]:
    """Mode -> the asset of each agent that has something to answer from."""
    assets: dict[str, Asset] = {}
    for mode, agent in AGENTS.items():
        asset = agent.find_asset(settings)
        if asset is not None:
            assets[mode] = asset
    return assets


def gather(question: str, assets: Mapping[str, Asset], chance: Chance) -> list[Evidence]:
    """What speaks for each agent, the strongest first: nothing where the question names nothing.

    Without what is learned of `chance` the words alone speak.
    """
    weights = weigh(question, list(assets.values()))
    if not weights:
        return [Evidence(mode, 0.0, "") for mode in assets]
    total = sum(weights.values())
    said = total / (total + UNSAID)
    found = []
    for mode, asset in assets.items():
        match = asset.best(question, weights)
        near = {f"{mode} {part}": value for part, value in match.near.items()}
        evidence = Evidence(mode, match.score, match.reason, match.found, near, said)
        found.append(with_meaning(evidence, chance))
    return strongest_first(found)


def with_meaning(evidence: Evidence, chance: Chance) -> Evidence:
    """The evidence with what its nearest part gains, if that is nearer than chance."""
    gains = [0.0]
    for part, value in evidence.near.items():
        if part in chance:
            mean, deviation = chance[part]
            gains.append(MEANING * evidence.said * (value - mean) / deviation)
    return replace(evidence, score=evidence.score + max(gains))


def strongest_first(found: Sequence[Evidence]) -> list[Evidence]:
    """Sorted by score; equal scores stay in the order of the registry's rows."""
    return sorted(found, key=lambda evidence: -evidence.score)


def weigh(question: str, assets: Sequence[Asset]) -> dict[str, float]:
    """Word of the question -> its rarity in general speech, times the root of that in the assets.

    The latter is the inverse document frequency over the texts of all assets. Its root, because a
    name that a hundred training questions repeat is still a name.
    """
    total = sum(asset.size for asset in assets)
    weights = {}
    for word in dict.fromkeys(words(question)):
        general = rarity(word)
        if not general:
            continue
        held = sum(asset.held(word) for asset in assets)
        here = math.log1p((total - held + 0.5) / (held + 0.5))
        weights[word] = general * math.sqrt(here)
        if not held and joins_by_accident(word):
            weights[word] *= ACCIDENTAL
    return weights


def hash_of(texts: Sequence[str]) -> str:
    """A short text that differs where the texts do."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def share(known: AbstractSet[str], weights: Weights) -> float:
    """The share of the question's weight whose words are among the known ones, in [0, 1]."""
    explained = sum(weight for word, weight in weights.items() if word in known)
    return explained / (sum(weights.values()) + UNSAID)
