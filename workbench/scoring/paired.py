"""Right and wrong answers of two sides to the same questions -> who is better, and how sure it is.

A side has 1 for right and 0 for wrong, one a question, in the same order for every side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
POWER = 0.8  # chance to find a difference that exists, where a number of questions is advised
SEED = 42
FEW = 10  # questions that do not differ as most do: fewer give a resample no spread
NORMAL = NormalDist()


@dataclass(frozen=True)
class Paired:
    """How the first side differs from the second; figures are shares of the questions.

    `better` and `worse` count the questions on which the first one is better and worse. `p` is
    McNemar's.
    """

    difference: float
    interval: tuple[float, float]
    better: int
    worse: int
    p: float


def compare_pairs(first: Sequence[float], second: Sequence[float], *, seed: int = SEED) -> Paired:
    """The difference of two sides, its interval and its p. Raises ValueError without questions."""
    ours, others = np.asarray(first, float), np.asarray(second, float)
    if not len(ours) or len(ours) != len(others):
        raise ValueError("two sides of the same questions are needed")
    better = int((ours > others).sum())
    worse = int((ours < others).sum())
    return Paired(
        difference=float((ours - others).mean()),
        interval=difference_interval(ours, others, seed=seed),
        better=better,
        worse=worse,
        p=mcnemar(better, worse),
    )


def wilson(correct: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927); all of 0 to 1 for nothing asked."""
    if not of:
        return 0.0, 1.0
    z = _quantile(confidence)
    share = correct / of
    middle = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    whole = 1 + z * z / of
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def mcnemar(better: int, worse: int) -> float:
    """The exact two-sided p of McNemar's test (1947): how likely so uneven a split is by chance."""
    told_apart = better + worse
    tail = sum(math.comb(told_apart, count) for count in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / 2**told_apart)


def holm(ps: Sequence[float]) -> list[float]:
    """Each p adjusted for having looked at all of them (Holm 1979), in the order given."""
    adjusted = [0.0] * len(ps)
    highest = 0.0
    in_order = sorted(range(len(ps)), key=lambda number: ps[number])
    for rank, number in enumerate(in_order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[number]))
        adjusted[number] = highest
    return adjusted


def difference_interval(
    first: np.ndarray,
    second: np.ndarray,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float, float]:
    """The interval of the mean difference, by resampling the questions with both their answers.

    Bias-corrected and accelerated (Efron 1987). Where nearly all questions differ alike, resamples
    show hardly any spread: the interval is then Bonett and Price's (2012), which adds a question of
    each kind.
    """
    differences = first - second
    _, counts = np.unique(differences, return_counts=True)
    if len(differences) - counts.max() < FEW:
        better, worse = int((differences > 0).sum()), int((differences < 0).sum())
        return _adjusted_wald(better, worse, len(differences), confidence)
    means = np.sort(_resampled_means(differences, resamples, seed))
    centred = differences - differences.mean()
    acceleration = (centred**3).sum() / (6 * (centred**2).sum() ** 1.5)
    below = (means < differences.mean()).mean() + (means == differences.mean()).mean() / 2
    bias = NORMAL.inv_cdf(min(max(below, 1 / resamples), 1 - 1 / resamples))
    z = _quantile(confidence)
    low, high = (_share_at(bias, side * z, acceleration) for side in (-1, 1))
    return float(np.quantile(means, low)), float(np.quantile(means, high))


def questions_needed(better: int, worse: int, of: int) -> int | None:
    """About how many questions like these would tell the two apart; None where they agree.

    By the normal approximation of McNemar's test (Connor 1987), with a chance of 80 %.
    """
    if better == worse or not of:
        return None
    told_apart = (better + worse) / of
    difference = abs(better - worse) / of
    spread = math.sqrt(told_apart - difference**2) if told_apart > difference**2 else 0.0
    z = _quantile(CONFIDENCE) * math.sqrt(told_apart) + NORMAL.inv_cdf(POWER) * spread
    return math.ceil((z / difference) ** 2)


def _resampled_means(differences: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Equal differences are drawn together: how often each comes is a multinomial."""
    values, counts = np.unique(differences, return_counts=True)
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(len(differences), counts / len(differences), size=resamples)
    return drawn @ values / len(differences)


def _share_at(bias: float, z: float, acceleration: float) -> float:
    """The quantile of the resamples at which a bound lies."""
    moved = bias + z
    return NORMAL.cdf(bias + moved / (1 - acceleration * moved))


def _adjusted_wald(better: int, worse: int, of: int, confidence: float) -> tuple[float, float]:
    ours, others = (better + 1) / (of + 2), (worse + 1) / (of + 2)
    difference = ours - others
    spread = math.sqrt((ours + others - difference**2) / (of + 2))
    reach = _quantile(confidence) * spread
    return max(-1.0, difference - reach), min(1.0, difference + reach)


def _quantile(confidence: float) -> float:
    return NORMAL.inv_cdf((1 + confidence) / 2)
