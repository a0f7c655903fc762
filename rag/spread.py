"""Vectors of a language's passages -> how near a question lies to them as a rule.

A score says little by itself: one embedder's cosines lie between .7 and 1, another's between 0 and
.6. What counts is how far a passage stands out from all passages. Mean and variance of a question's
cosines follow from the vectors' mean and second moments, so no passage is read for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.everyday import Everyday
from workbench.files import writing

NEIGHBOURS = 10  # passages that tell how crowded a place is (Conneau et al. 2018 take as many)
CROWDED = 0.5  # how much of that a question of another language is moved away from it
RIDGE = 0.1  # of the vectors' mean variance: keeps the direction steady where passages are few
LEAST = 1e-4  # a deviation under this one is noise


@dataclass(frozen=True, eq=False)
class Spread:
    """The vectors of `passages` passages in one language, and of the everyday sentences.

    `mean` is float32 (dimension,), `second` their mean outer product, float32 (dimension,
    dimension). `crossing` is added to a question in the other language so that it finds these
    passages; None where the embedder does not read across.
    """

    passages: int
    mean: np.ndarray
    second: np.ndarray
    crossing: np.ndarray | None

    def moments(self, vector: np.ndarray) -> tuple[float, float]:
        """Mean and standard deviation of a vector's cosines with the passages."""
        mean = float(vector @ self.mean)
        variance = float(vector @ self.second @ vector) - mean * mean
        return mean, max(variance, LEAST**2) ** 0.5


def measure(vectors: np.ndarray, passages: int, language: str, known: Everyday) -> Spread:
    """The spread of a language's `passages`, of which `vectors` are a sample."""
    others = known.sentences[language]
    share = passages / (passages + len(others))
    mean = share * vectors.mean(axis=0) + (1 - share) * others.mean(axis=0)
    second = share * _second(vectors) + (1 - share) * _second(others)
    [asked] = [name for name in known.questions if name != language]
    crossing = None
    if known.reads(asked, language):
        crowded = crowding(np.concatenate([vectors, others]))
        crossing = known.step(asked, language) - CROWDED * crowded
    return Spread(passages, mean, second, crossing)


def crowding(vectors: np.ndarray) -> np.ndarray:
    """float32 (dimension,): its product with a passage estimates the mean cosine of neighbours.

    Passages in a crowd are near to every question of another language. Their mean cosine with
    their neighbours is what CSLS takes off (Conneau et al. 2018); estimated by a direction, it
    can be taken off the question instead, and any index finds the nearest as before.
    """
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    count = min(NEIGHBOURS, len(vectors) - 1)
    near = np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1)
    centred = vectors - vectors.mean(axis=0)
    covariance = centred.T @ centred / len(vectors)
    dimension = len(covariance)
    ridge = RIDGE * np.trace(covariance) / dimension
    together = centred.T @ (near - near.mean()) / len(vectors)
    return np.linalg.solve(covariance + ridge * np.eye(dimension), together).astype(np.float32)


def joined(spreads: Sequence[Spread]) -> Spread:
    """One spread of several collections, each counted by its size."""
    total = sum(spread.passages for spread in spreads)
    shares = [spread.passages / total for spread in spreads]
    mean = sum(share * spread.mean for share, spread in zip(shares, spreads, strict=True))
    second = sum(share * spread.second for share, spread in zip(shares, spreads, strict=True))
    crossing: np.ndarray | None = np.zeros_like(spreads[0].mean)
    for share, spread in zip(shares, spreads, strict=True):
        if crossing is None or spread.crossing is None:
            crossing = None
        else:
            crossing = crossing + share * spread.crossing
    return Spread(total, np.asarray(mean), np.asarray(second), crossing)


def save_spreads(path: Path, spreads: Mapping[str, Spread]) -> None:
    """Write the spreads by language, whole or not at all. Raises Unwritable."""
    arrays: dict[str, np.ndarray] = {}
    for language, spread in spreads.items():
        arrays[f"{language} passages"] = np.array(spread.passages)
        arrays[f"{language} mean"] = spread.mean
        arrays[f"{language} second"] = spread.second
        if spread.crossing is not None:
            arrays[f"{language} crossing"] = spread.crossing
    with writing(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes no mapping


def load_spreads(path: Path) -> dict[str, Spread]:
    """What `save_spreads` wrote. Raises OSError, ValueError, KeyError."""
    spreads: dict[str, Spread] = {}
    with np.load(path, allow_pickle=False) as arrays:
        languages = [key.split()[0] for key in arrays.files if key.endswith(" passages")]
        for language in languages:
            crossing = f"{language} crossing"
            spreads[language] = Spread(
                passages=int(arrays[f"{language} passages"]),
                mean=arrays[f"{language} mean"],
                second=arrays[f"{language} second"],
                crossing=arrays[crossing] if crossing in arrays.files else None,
            )
    return spreads


def _second(vectors: np.ndarray) -> np.ndarray:
    return vectors.T @ vectors / np.float32(len(vectors))
