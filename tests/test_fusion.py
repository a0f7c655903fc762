"""Two legs into one: bounds, ties, and the leg that is left out."""

from __future__ import annotations

import numpy as np
import pytest

from rag.fusion import fuse, reciprocal_ranks, standard, stretch


def test_equal_scores_stretch_to_zero() -> None:
    assert not stretch(np.full((2, 3), 0.7)).any()


def test_stretching_runs_from_zero_to_one() -> None:
    found = stretch(np.array([[-2.0, 0.0, 6.0]]))
    np.testing.assert_allclose(found, [[0, 0.25, 1]])


def test_deviations_have_no_scale() -> None:
    scores = np.array([[0.7, 0.8, 0.9], [1.0, 2.0, 3.0]])
    np.testing.assert_allclose(standard(scores)[0], standard(scores)[1], atol=1e-9)
    assert not standard(np.zeros((1, 4))).any()
    assert standard(np.array([[0.0, 0.0, 0.001]]), least=0.01).max() < 0.1


@pytest.mark.parametrize(("weight", "best"), [(0.0, 1), (1.0, 0)])
def test_at_either_end_one_leg_decides_alone(weight: float, best: int) -> None:
    dense, lexical = np.array([0.9, 0.1, 0.2]), np.array([0.0, 0.8, 0.7])
    fused = fuse(dense, lexical, weight)
    assert fused.argmax() == best
    assert fused.tolist() in (dense.tolist(), lexical.tolist())


def test_a_leg_that_found_nothing_leaves_the_order_to_the_other() -> None:
    dense = np.array([0.2, 0.5, 0.4])
    for weight in (0.1, 0.5, 0.9):
        assert fuse(dense, np.zeros(3), weight).argsort().tolist() == dense.argsort().tolist()


def test_ties_count_half() -> None:
    scores = np.array([[0.5, 0.5, 0.5], [0.9, 0.1, 0.2]])
    np.testing.assert_allclose(reciprocal_ranks(scores, np.array([0, 2])), [1 / 2, 1 / 2])
