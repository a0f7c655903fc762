"""A base's size -> where a training of it begins well, and the ranges that are worth trying.

The first two rows are measured here on the examples. The others are common starting points: larger
models want smaller rates and fewer epochs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from finetune.methods import METHODS, Method
from finetune.tasks import Task
from finetune.weights import read_weights
from workbench.models.packaged import KIND


@dataclass(frozen=True)
class Advice:
    """For bases of at most so many parameters. Ranges are from and to."""

    parameters: float
    epochs: float
    epochs_range: tuple[int, int]
    rank: int
    rank_range: tuple[int, int]
    rate: float
    rate_range: tuple[float, float]
    batch: int
    batch_range: tuple[int, int]

    @property
    def name(self) -> str:
        """What tells it from the others, for the keys of widgets."""
        return f"{self.parameters:g}"


SMALL = Advice(
    parameters=1e8,
    epochs=6.0,
    epochs_range=(3, 20),
    rank=32,
    rank_range=(16, 64),
    rate=3e-3,
    rate_range=(1e-3, 1e-2),
    batch=16,
    batch_range=(8, 64),
)
MODEST = Advice(  # SmolLM2-135M on the tickets of examples/support
    parameters=5e8,
    epochs=3.0,
    epochs_range=(2, 6),
    rank=16,
    rank_range=(8, 64),
    rate=1e-3,
    rate_range=(3e-4, 3e-3),
    batch=8,
    batch_range=(4, 32),
)
MIDDLE = Advice(
    parameters=4e9,
    epochs=3.0,
    epochs_range=(1, 5),
    rank=16,
    rank_range=(8, 64),
    rate=2e-4,
    rate_range=(5e-5, 5e-4),
    batch=8,
    batch_range=(4, 32),
)
LARGE = Advice(
    parameters=float("inf"),
    epochs=2.0,
    epochs_range=(1, 3),
    rank=16,
    rank_range=(8, 64),
    rate=1e-4,
    rate_range=(2e-5, 3e-4),
    batch=8,
    batch_range=(4, 32),
)
SIZES = (SMALL, MODEST, MIDDLE, LARGE)


def advice_for(base: str) -> Advice:
    """By the base's weights; a base that is no folder with weights counts as a middle one."""
    if base.startswith(f"{KIND}:"):
        return MODEST
    folder = Path(base)
    count = read_weights(folder).count if base and folder.is_dir() else 0
    if not count:
        return MIDDLE
    return next(advice for advice in SIZES if count <= advice.parameters)


def rate_for(advice: Advice, method: Method, task: Task) -> tuple[float, tuple[float, float]]:
    """(the learning rate to begin with, the range worth trying) for a base of that size.

    The advice is for supervised fine-tuning with LoRA; other tasks, and other methods that change
    weights, want the same share of it at any size.
    """
    if not method.rate_follows_size:
        rate = method.learning_rate * task.rate
        return rate, (rate / 5, min(rate * 5, 1.0))
    first = next(iter(METHODS.values()))
    share = method.learning_rate / first.learning_rate * task.rate
    low, high = advice.rate_range
    return _rounded(advice.rate * share), (low * share, high * share)


def _rounded(rate: float) -> float:
    """To two figures, without the noise of a product."""
    return float(f"{rate:.1e}")
