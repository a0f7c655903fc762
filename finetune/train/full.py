"""Full fine-tuning: every weight of the base is trained, and the run keeps a whole model."""

from __future__ import annotations

from typing import Any

from finetune.section import MethodSection
from finetune.weights import Weights

# bytes for each trained parameter: its fp32 weight, its gradient and the two moments of AdamW
TRAINED_BYTES = 16


class Full(MethodSection):
    """Nothing to choose beside what every method has."""


def peft_config(settings: Full, model: Any, new_tokens: list[int]) -> None:
    """None: the model itself is trained."""
    return


def trainable(settings: Full, weights: Weights) -> int:
    """All of the parameters."""
    return weights.count


def memory(weights: Weights, trained: int, bytes_each: int) -> float:
    """Bytes of the weights and of all that training adds to them."""
    return trained * TRAINED_BYTES


def problems(settings: Full, weights: Weights) -> list[dict[str, str]]:
    """None: any base can be trained whole."""
    return []
