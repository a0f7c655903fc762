"""Two lists of scores -> one: each stretched to [0, 1] over all passages, then weighed."""

from __future__ import annotations

import numpy as np


def stretch(scores: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """Min-max over the last axis, or between given ends; all zero where every score is the same."""
    bottom = scores.min(axis=-1, keepdims=True) if low is None else np.float32(low)
    top = scores.max(axis=-1, keepdims=True) if high is None else np.float32(high)
    spread = top - bottom
    return np.where(spread > 0, (scores - bottom) / np.where(spread > 0, spread, 1), 0).astype(np.float32)


def fuse(dense: np.ndarray, lexical: np.ndarray, weight: float) -> np.ndarray:
    """`weight` on the dense leg, the rest on the lexical one; both stretched, of one shape."""
    return weight * dense + (1 - weight) * lexical


def reciprocal_ranks(scores: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """float (questions,): 1 / rank of the wanted column in each row of (questions, passages). Ties count half."""
    target = np.take_along_axis(scores, wanted[:, None], axis=1)
    better = (scores > target).sum(axis=1)
    equal = (scores == target).sum(axis=1) - 1
    return 1 / (1 + better + equal / 2)
