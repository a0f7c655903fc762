"""The judgements of two on the same things -> how often they agree, and how far beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any


def agreement(pairs: Sequence[tuple[Any, Any]]) -> dict[str, float]:
    """`n`, the share of equal judgements, and Cohen's kappa (1960).

    Kappa is 0 where agreement is what chance gives, and where one side always says the same.
    """
    n = len(pairs)
    if not n:
        return {"n": 0, "share": 0.0, "kappa": 0.0}
    share = sum(first == second for first, second in pairs) / n
    ours = Counter(first for first, _ in pairs)
    others = Counter(second for _, second in pairs)
    by_chance = sum(ours[kind] * others[kind] for kind in ours) / n**2
    kappa = (share - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0
    return {"n": n, "share": round(share, 4), "kappa": round(kappa, 4)}
