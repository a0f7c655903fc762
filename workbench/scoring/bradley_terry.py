"""Who was better in pairs -> the strength of each by Bradley and Terry (1952), with its interval.

The chance that i is preferred to j is 1 / (1 + exp(s_j - s_i)). Newton's method finds the strengths
s that are likeliest. A weak normal prior keeps them finite where one has won every time, and makes
their sum zero. A tie is half a win for both, as in Chatbot Arena (Chiang et al. 2024).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.scoring.paired import CONFIDENCE, NORMAL

PRIOR = 2.0  # standard deviation of the strengths before any vote: a chance of 88 % is one of them
STEPS = 100
SMALL = 1e-9  # a step below it is none

Player = TypeVar("Player", bound=Hashable)
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Strength(Generic[Player]):
    """One player. `strength` is on the scale of log odds, 0 is the average of its group.

    `chance` is how likely it is preferred to an average player, `interval` that chance's, and
    `group` counts from 0: who was never compared, even through others, has another group.
    """

    player: Player
    strength: float
    error: float
    chance: float
    interval: tuple[float, float]
    group: int
    games: int


def fit_strengths(
    wins: Mapping[tuple[Player, Player], float], confidence: float = CONFIDENCE
) -> list[Strength[Player]]:
    """The strengths, group by group, the strongest first.

    `wins` maps (preferred, other) to how often that was so; half for each side of a tie.
    """
    players = _players(wins)
    won = np.zeros((len(players), len(players)))
    for (better, worse), count in wins.items():
        won[players[better], players[worse]] += count
    groups = _groups(won)
    strengths, covariance = _likeliest(won)
    inside = _around_means(groups)
    errors = np.sqrt(np.diag(inside @ covariance @ inside.T))
    reach = NORMAL.inv_cdf((1 + confidence) / 2) * errors
    games = won.sum(axis=0) + won.sum(axis=1)
    found = []
    for player, row in players.items():
        here = strengths[row]
        interval = (_chance(here - reach[row]), _chance(here + reach[row]))
        found.append(
            Strength(
                player=player,
                strength=float(here),
                error=float(errors[row]),
                chance=_chance(here),
                interval=interval,
                group=groups[row],
                games=round(games[row]),
            )
        )
    return sorted(found, key=lambda one: (one.group, -one.strength))


def _players(wins: Mapping[tuple[Player, Player], float]) -> dict[Player, int]:
    """Player -> its row, in the order in which they appear."""
    named = [player for pair in wins for player in pair]
    return {player: row for row, player in enumerate(dict.fromkeys(named))}


def _likeliest(won: Matrix) -> tuple[Matrix, Matrix]:
    """The strengths at the highest posterior, and their covariance: the inverse of the Hessian."""
    games = won + won.T
    strengths: Matrix = np.zeros(len(won))
    prior = np.eye(len(won)) / PRIOR**2
    for _ in range(STEPS):
        chances = _chances(strengths)
        slope = won.sum(axis=1) - (games * chances).sum(axis=1) - strengths / PRIOR**2
        step = np.linalg.solve(_curvature(games, chances) + prior, slope)
        # a long step can overshoot where somebody has won every time
        step /= max(1.0, float(np.abs(step).max(initial=0.0)))
        strengths = strengths + step
        if np.abs(step).max(initial=0.0) < SMALL:
            break
    hessian = _curvature(games, _chances(strengths)) + prior
    return strengths, np.asarray(np.linalg.inv(hessian), dtype=np.float64)


def _chances(strengths: Matrix) -> Matrix:
    """[i, j]: the chance that i is preferred to j."""
    return 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))


def _curvature(games: Matrix, chances: Matrix) -> Matrix:
    """The Hessian of the negative log likelihood."""
    weights = games * chances * chances.T
    return np.diag(weights.sum(axis=1)) - weights


def _around_means(groups: Sequence[int]) -> Matrix:
    """What takes each group's mean from its strengths: only differences in a group are measured."""
    same = np.equal.outer(np.array(groups), np.array(groups)).astype(float)
    return np.eye(len(groups)) - same / same.sum(axis=1, keepdims=True)


def _groups(won: Matrix) -> list[int]:
    """The number of each player's group: those connected by games, the largest first."""
    met = (won + won.T) > 0
    group_of = [-1] * len(won)
    members: list[list[int]] = []
    for first in range(len(won)):
        if group_of[first] >= 0:
            continue
        waiting, found = [first], []
        group_of[first] = len(members)
        while waiting:
            one = waiting.pop()
            found.append(one)
            for other in np.flatnonzero(met[one]):
                if group_of[other] < 0:
                    group_of[other] = len(members)
                    waiting.append(int(other))
        members.append(found)
    by_size = sorted(range(len(members)), key=lambda number: -len(members[number]))
    place = {number: rank for rank, number in enumerate(by_size)}
    return [place[number] for number in group_of]


def _chance(strength: float) -> float:
    return float(1 / (1 + np.exp(-strength)))
