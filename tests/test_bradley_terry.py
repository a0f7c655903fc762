"""Strengths by Bradley and Terry: known ones are found again, and the hard cases stay sane."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.scoring.bradley_terry import fit_strengths

TRUE = {"a": 1.2, "b": 0.4, "c": -0.4, "d": -1.2}
SEEDS = 50
GAMES = 60  # of each pair


def play(seed: int) -> dict[tuple[str, str], float]:
    """Games of every pair, drawn by the true strengths."""
    draws = np.random.default_rng(seed)
    wins: dict[tuple[str, str], float] = {}
    for first in TRUE:
        for second in TRUE:
            if first < second:
                chance = 1 / (1 + math.exp(TRUE[second] - TRUE[first]))
                won = int(draws.binomial(GAMES, chance))
                wins[first, second] = won
                wins[second, first] = GAMES - won
    return wins


def test_known_strengths_are_found_in_their_order_and_covered() -> None:
    covered = 0
    right_order = 0
    for seed in range(SEEDS):
        found = fit_strengths(play(seed))
        right_order += [one.player for one in found] == list(TRUE)
        assert sum(one.strength for one in found) == pytest.approx(0, abs=1e-6)
        for one in found:
            low, high = one.interval
            chance = 1 / (1 + math.exp(-TRUE[one.player]))
            covered += low <= chance <= high
    assert right_order >= 0.9 * SEEDS
    assert 0.9 <= covered / (SEEDS * len(TRUE)) < 1


def test_the_likeliest_strengths_are_those_of_a_search() -> None:
    """Without the prior's pull two players have the log odds of their games."""
    first, second = fit_strengths({("a", "b"): 7000.0, ("b", "a"): 3000.0})
    assert first.strength - second.strength == pytest.approx(math.log(7 / 3), abs=0.01)
    assert (first.games, first.group) == (10_000, 0)
    assert first.interval[0] < first.chance < first.interval[1]


def test_ties_are_half_a_win_and_a_perfect_record_stays_finite() -> None:
    even = fit_strengths({("a", "b"): 2.5, ("b", "a"): 2.5})
    assert [one.strength for one in even] == pytest.approx([0, 0], abs=1e-9)
    few = fit_strengths({("a", "b"): 2})
    many = fit_strengths({("a", "b"): 2000})
    assert few[0].player == many[0].player == "a"
    assert 0 < few[0].strength < many[0].strength < 10
    assert few[0].interval[0] < 0.5, "two votes prove nothing"
    assert many[0].interval[0] > 0.9


def test_who_was_never_compared_has_a_group_of_its_own() -> None:
    found = fit_strengths({("x", "y"): 3, ("a", "b"): 1, ("b", "c"): 1})
    groups = {one.player: one.group for one in found}
    assert groups == {"a": 0, "b": 0, "c": 0, "x": 1, "y": 1}, "the larger group comes first"
    for group in (0, 1):
        inside = [one.strength for one in found if one.group == group]
        assert sum(inside) == pytest.approx(0, abs=1e-6)
    assert fit_strengths({}) == []
