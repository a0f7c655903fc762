"""What a workspace holds -> from which evidence on it holds an answer at all, for each language.

The floor is learned from strangers (`agents.strangers`): the workspace's own questions and
sentences, with the words that name something exchanged for ordinary ones. Nothing here is about
them, so what the assets explain of them is chance, and so is how near they are in meaning. A
question that is explained no better than nearly every stranger belongs to nobody.

It is learned when the first question comes, and again where the assets have changed; it is kept in
the workspace meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

import numpy as np

from agents.evidence import Asset, Chance, Evidence, gather, hash_of, with_meaning
from agents.strangers import make_strangers
from workbench.errors import Unwritable
from workbench.files import read_json, write_json
from workbench.language import language_of
from workbench.settings import Settings

STRANGERS = 240  # for each language
UNDER_FLOOR = 97  # per cent of the strangers
FEWEST = 30  # strangers from which their nearness to a part is learned
LOWEST = 0.1  # no less, so that one ordinary word of ten speaks for nothing
SEED = 7
KEPT = 30  # floors of former states: people change to and fro between collections
FILE = "routing.json"


@dataclass(frozen=True)
class Floor:
    """What questions of one language reach by chance.

    `evidence` is what a question must exceed. `chance` has the mean and the standard deviation of
    the strangers' nearness to each part of an asset.
    """

    evidence: float
    chance: Chance


def floor_for(question: str, assets: Mapping[str, Asset], settings: Settings) -> Floor:
    """The floor of this question's language, kept or learned now."""
    key = f"{language_of(question)} {settings.embedder} {_state(assets)}"
    kept = _read(settings)
    if key in kept:
        return kept[key]
    floor = learn_floor(language_of(question), assets)
    newest = list(kept.items())[-KEPT:]
    _keep(dict(newest) | {key: floor}, settings)
    return floor


def learn_floor(language: str, assets: Mapping[str, Asset]) -> Floor:
    """What strangers of that language seldom exceed."""
    samples: list[str] = []
    for asset in assets.values():
        samples += asset.samples()
    draw = random.Random(SEED)  # noqa: S311 – a sample, not a secret
    found = []
    for stranger in make_strangers(samples, language, STRANGERS, draw):
        found.append(gather(stranger, assets, {}))
    if not found:
        return Floor(LOWEST, {})
    chance = _chance(found)
    explained = []
    for evidence in found:
        explained.append(max(with_meaning(one, chance).score for one in evidence))
    floor = round(float(np.percentile(explained, UNDER_FLOOR)), 4)
    return Floor(max(LOWEST, floor), chance)


def _chance(found: Sequence[Sequence[Evidence]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the strangers' nearness to each part."""
    values: dict[str, list[float]] = {}
    for evidence in found:
        for one in evidence:
            for part, value in one.near.items():
                values.setdefault(part, []).append(value)
    chance: dict[str, tuple[float, float]] = {}
    for part, near in values.items():
        deviation = round(float(np.std(near)), 6)
        if len(near) >= FEWEST and deviation:
            chance[part] = (round(float(np.mean(near)), 6), deviation)
    return chance


def _state(assets: Mapping[str, Asset]) -> str:
    """What the floor was learned from, as a short text that changes with it."""
    return hash_of([f"{mode} {asset.state}" for mode, asset in assets.items()])


def _read(settings: Settings) -> dict[str, Floor]:
    """Language and state -> floor. What is damaged, or of an older version, is learned again."""
    floors: dict[str, Floor] = {}
    with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
        for key, kept in read_json(settings.home / FILE, {}).items():
            chance = {
                part: (float(mean), float(spread))
                for part, (mean, spread) in kept["chance"].items()
            }
            floors[key] = Floor(float(kept["evidence"]), chance)
    return floors


def _keep(floors: Mapping[str, Floor], settings: Settings) -> None:
    kept = {key: asdict(floor) for key, floor in floors.items()}
    with suppress(Unwritable):  # a full disk: it is learned again the next time
        write_json(settings.home / FILE, kept)
