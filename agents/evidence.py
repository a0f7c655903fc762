"""A question and what a workspace holds -> the share of the question that each asset explains.

One measure serves all agents: the words of the question that any asset knows, each weighed by how
rare it is in all assets together, and the share of that weight in the best matching text of an
asset. An asset may raise its share by what it knows better, as documents do by meaning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol

from agents.registry import AGENTS
from workbench.language import words
from workbench.settings import Settings

Weights = Mapping[str, float]  # word of the question -> how rare it is


@dataclass(frozen=True)
class Match:
    """The best of one asset. `score` is in [0, 1], `reason` one line for the person.

    `found` is for the asset's own agent: what it need not search again.
    """

    score: float
    reason: str
    found: Any = None


@dataclass(frozen=True)
class Evidence:
    """What speaks for the agent `mode`."""

    mode: str
    score: float
    reason: str
    found: Any = None


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


def gather(question: str, settings: Settings) -> list[Evidence]:
    """What speaks for each agent that has something to answer from, the strongest first."""
    assets: dict[str, Asset] = {}
    for mode, agent in AGENTS.items():
        asset = agent.find_asset(settings)
        if asset is not None:
            assets[mode] = asset
    weights = weigh(question, list(assets.values()))
    found = []
    for mode, asset in assets.items():
        match = asset.best(question, weights)
        found.append(Evidence(mode, match.score, match.reason, match.found))
    return strongest_first(found)


def strongest_first(found: Sequence[Evidence]) -> list[Evidence]:
    """Sorted by score; equal scores stay in the order of the registry's rows."""
    return sorted(found, key=lambda evidence: -evidence.score)


def weigh(question: str, assets: Sequence[Asset]) -> dict[str, float]:
    """Inverse document frequency of each word that an asset knows, over the texts of all assets."""
    total = sum(asset.size for asset in assets)
    weights = {}
    for word in dict.fromkeys(words(question)):
        held = sum(asset.held(word) for asset in assets)
        if held:
            weights[word] = math.log1p((total - held + 0.5) / (held + 0.5))
    return weights


def share(known: AbstractSet[str], weights: Weights) -> float:
    """The share of the question's weight whose words are among the known ones, in [0, 1]."""
    total = sum(weights.values())
    if not total:
        return 0.0
    explained = sum(weight for word, weight in weights.items() if word in known)
    return explained / total
