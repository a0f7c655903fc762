"""Scores of two legs -> one.

Cosine similarity is, up to a scale, the log-odds that contrastive training fits; BM25 is one by its
derivation (Robertson & Zaragoza 2009). Their weighted sum is a log-linear pool. What differs from
embedder to embedder and from question to question is the scale, so the legs are compared in
standard deviations over all passages: there, one weight serves all.
"""

from __future__ import annotations

import numpy as np

# A deviation of the word leg under this share of its ceiling is taken as this one: in a large
# collection one passage with a rare word would else outweigh any meaning.
LEAST_COVERAGE = 0.01


def fuse(dense: np.ndarray, lexical: np.ndarray, weight: float) -> np.ndarray:
    """`weight` on the dense leg, the rest on the lexical one. Both have one shape."""
    return weight * dense + (1 - weight) * lexical


def standard(scores: np.ndarray, least: float = 1e-6) -> np.ndarray:
    """Deviations from the mean over the last axis, in standard deviations of `least` or more."""
    mean = scores.mean(axis=-1, keepdims=True)
    deviation = scores.std(axis=-1, keepdims=True)
    return (scores - mean) / np.maximum(deviation, least)


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
