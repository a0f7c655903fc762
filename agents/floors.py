"""What a workspace holds -> from which evidence on it holds an answer at all, for each language.

The floor is learned from strangers (`agents.strangers`): the workspace's own questions and
sentences, with the words that name something exchanged for ordinary ones. Nothing here is about
them, so what the assets explain of them is chance. A question that is explained no better than
nearly every stranger belongs to nobody.

It is learned when the first question comes, and again where the assets have changed; it is kept in
the workspace meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress

import numpy as np

from agents.evidence import Asset, gather, hash_of
from agents.strangers import make_strangers
from workbench.files import read_json, write_json
from workbench.language import language_of
from workbench.settings import Settings

STRANGERS = 240  # for each language
UNDER_FLOOR = 95  # per cent of the strangers
LOWEST = 0.1  # no less, so that one ordinary word of ten speaks for nothing
SEED = 7
KEPT = 30  # floors of former states: people change to and fro between collections
FILE = "routing.json"


def floor_for(question: str, assets: Mapping[str, Asset], settings: Settings) -> float:
    """The evidence that a question of this language must exceed, in [0, 1]."""
    key = f"{language_of(question)} {_state(assets)}"
    kept = _read(settings)
    if key in kept:
        return kept[key]
    floor = learn_floor(language_of(question), assets)
    newest = list(kept.items())[-KEPT:]
    _keep(dict(newest) | {key: floor}, settings)
    return floor


def learn_floor(language: str, assets: Mapping[str, Asset]) -> float:
    """The evidence that strangers of that language seldom exceed."""
    samples: list[str] = []
    for asset in assets.values():
        samples += asset.samples()
    chance = random.Random(SEED)  # noqa: S311 – a sample, not a secret
    explained = []
    for stranger in make_strangers(samples, language, STRANGERS, chance):
        explained.append(gather(stranger, assets)[0].score)
    if not explained:
        return LOWEST
    return max(LOWEST, round(float(np.percentile(explained, UNDER_FLOOR)), 4))


def _state(assets: Mapping[str, Asset]) -> str:
    """What the floor was learned from, as a short text that changes with it."""
    return hash_of([f"{mode} {asset.state}" for mode, asset in assets.items()])


def _read(settings: Settings) -> dict[str, float]:
    """Language and state -> floor. What is damaged is learned again."""
    try:
        kept = read_json(settings.home / FILE, {})
        return {key: float(floor) for key, floor in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _keep(floors: dict[str, float], settings: Settings) -> None:
    with suppress(OSError):  # a full disk: it is learned again the next time
        write_json(settings.home / FILE, floors)
