"""Scores of two legs -> one. Both are absolute, so a leg that found little moves the sum little.

Cosine similarity is, up to a scale, the log-odds that contrastive training fits; BM25 is one by its
derivation (Robertson & Zaragoza 2009). Their weighted sum is a log-linear pool, and the weight is
the only thing to learn. BM25 is divided by the most that any passage could score, so that both legs
lie in [0, 1] and the sum does too.
"""

from __future__ import annotations

import numpy as np


def fuse(dense: np.ndarray, lexical: np.ndarray, weight: float) -> np.ndarray:
    """`weight` on the dense leg, the rest on the lexical one. Both have one shape."""
    return weight * dense + (1 - weight) * lexical


def stretch(scores: np.ndarray) -> np.ndarray:
    """Min-max over the last axis, the usual way to fuse, as a comparison for ours.

    Equal scores become zero.
    """
    bottom = scores.min(axis=-1, keepdims=True)
    top = scores.max(axis=-1, keepdims=True)
    span = np.where(top > bottom, top - bottom, 1)
    return ((scores - bottom) / span).astype(np.float32)


def reciprocal_ranks(scores: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """float (questions,): 1 / rank of the wanted column in each row of (questions, passages).

    Ties count half.
    """
    target = np.take_along_axis(scores, wanted[:, None], axis=1)
    better = (scores > target).sum(axis=1)
    equal = (scores == target).sum(axis=1) - 1
    return 1 / (1 + better + equal / 2)
