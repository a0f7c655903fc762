"""The models of all steps -> the ten features that they gain most from."""

from __future__ import annotations

from typing import Any

from agents.forecast.features import Seen
from agents.forecast.forms import lesson
from agents.forecast.models import StepModels

MOST = 10


def important(models: StepModels, seen: Seen) -> list[dict[str, Any]]:
    """`feature` and `share` of the whole gain, over all steps; the greatest first."""
    names = lesson(seen, 0, models.form, models.sizes).names
    gains = dict.fromkeys(names, 0.0)
    for booster in models.boosters:
        for name, gain in zip(names, booster.feature_importance("gain"), strict=True):
            gains[name] += float(gain)
    whole = sum(gains.values()) or 1.0
    best = sorted(gains.items(), key=lambda pair: -pair[1])[:MOST]
    return [{"feature": name, "share": gain / whole} for name, gain in best]
