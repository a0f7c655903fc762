"""How fast a training goes: tokens a second, memory, and the share of the GPU's peak, live."""

from __future__ import annotations

import time
from typing import Any

import psutil

from finetune.methods import METHODS
from finetune.run.config import RunConfig
from finetune.run.gpus import peak_of
from finetune.weights import Weights


class Meter:
    """Reads the clock at a count of tokens; each reading is of the time since the one before.

    The first one only begins: kernels are compiled and memory is claimed before it.
    `operations` are those that a token costs, `peak` those that all GPUs do in a second; where
    either is not known (0), no share of the peak is told.
    """

    def __init__(self, operations: float, peak: float) -> None:
        self.operations = operations
        self.peak = peak
        self.time = 0.0
        self.tokens: float | None = None

    def read(self, tokens: float) -> dict[str, float]:
        """{"tokens_per_second", "memory_gb", "of_peak"}; `tokens` have been learned so far."""
        now = time.monotonic()
        before, self.tokens = self.tokens, tokens
        seconds, self.time = now - self.time, now
        found = {"memory_gb": round(_memory() / 1e9, 2)}
        if before is None or tokens <= before or seconds <= 0:
            return found
        rate = (tokens - before) / seconds
        found["tokens_per_second"] = round(rate)
        if self.peak and self.operations:
            found["of_peak"] = round(rate * self.operations / self.peak, 4)
        return found


def meter_of(config: RunConfig, weights: Weights, half: bool) -> Meter:
    """The meter of a training; `half` says whether it computes in 16 bits, as the peak is meant."""
    trained = METHODS[config.method].trainable(config.tuning, weights)
    return Meter(operations(weights.count, trained), _peak(config) if half else 0.0)


def operations(parameters: int, trained: int) -> float:
    """Operations that a token costs, without attention and without what is computed again.

    Two a parameter forward, two for the gradient of the activations, and two for that of each
    trained parameter. Chowdhery et al. (2022), PaLM, appendix B.
    """
    return 4 * parameters + 2 * trained


def _peak(config: RunConfig) -> float:
    """Operations a second of all GPUs that train; 0 without one, or for an unknown one."""
    import torch

    if not torch.cuda.is_available():
        return 0.0
    return peak_of(torch.cuda.get_device_name()) * config.training.processes


def _memory() -> float:
    """Bytes of this process at most: on its GPU, or without one in the machine's memory."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return psutil.Process().memory_info().rss


def speed_words(row: dict[str, Any]) -> list[str]:
    """What a line of the terminal says of a reading."""
    words = []
    if "tokens_per_second" in row:
        words.append(f"{row['tokens_per_second']} tokens/s")
    if "memory_gb" in row:
        words.append(f"{row['memory_gb']:.1f} GB")
    if "of_peak" in row:
        words.append(f"{row['of_peak']:.0%} of peak")
    return words
