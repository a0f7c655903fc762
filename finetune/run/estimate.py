"""A base's configuration and a run's settings -> memory and time, before anything is loaded."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

from finetune.methods import METHODS
from finetune.run import processor
from finetune.run.config import RunConfig
from finetune.run.gpus import gpu_names, peak_of
from finetune.run.processor import cpu_precision
from finetune.tasks import TASKS
from finetune.weights import Weights, read_sizes

REACHED = 0.33  # share of a GPU's peak that a training reaches
STEP_OVERHEAD = 0.02  # seconds that a step costs beside the arithmetic, measured on a small model

# Bytes of activations for each token, unit of width and layer at half precision; of the kept ones
# where the others are computed again. Korthikanti et al. (2022), Reducing Activation Recomputation.
ACTIVATIONS = 34
KEPT_ACTIVATIONS = 2
# The same on a processor, where no layer is fused and PEFT keeps copies; measured on SmolLM2-135M.
CPU_ACTIVATIONS = {"fp32": 220, "bf16": 140}
# of each scored token and word of the vocabulary: logits, their softmax and gradient in 32 bits
LOGITS = 12
PROGRAM = 0.7e9  # bytes of Python with torch, transformers and TRL

# passes over the weights: forward 2, backward 2 (only to the adapters), and forward again 2
PASSES = 4
PASSES_WITH_RECOMPUTATION = 6


def estimate(config: RunConfig, base: Path, weights: Weights, lengths: list[int]) -> dict[str, Any]:
    """{"parameters", "trainable", "steps", "tokens", "memory_gb", "minutes", "device"}.

    `lengths` are those of the rows in tokens. minutes is None where no speed is known.
    """
    method = METHODS[config.method]
    trainable = method.trainable(config.tuning, weights)
    device, speed = _device()
    precision: str = config.training.precision
    if device == "cpu":
        precision = cpu_precision(precision, weights.count)
        speed = processor.speed(precision)
    bytes_each = 4 if precision == "fp32" else 2
    memory = method.memory(weights, trainable, bytes_each)
    if method.trains_base and TASKS[config.task].compares:
        memory += weights.count * bytes_each  # the reference is a second model
    if device == "cpu":
        memory += PROGRAM + _cpu_activations(config, base, lengths, precision)
    else:
        memory += _activations(config, base, lengths, bytes_each)
    steps, tokens = _work(config, lengths)
    minutes = None
    if speed:
        passes = PASSES_WITH_RECOMPUTATION if config.training.gradient_checkpointing else PASSES
        passes += TASKS[config.task].more_passes
        seconds = passes * weights.count * tokens / speed + steps * STEP_OVERHEAD
        minutes = round(seconds / 60, 1)
    return {
        "parameters": weights.count,
        "trainable": trainable,
        "steps": steps,
        "tokens": round(tokens),
        "memory_gb": round(memory / 1e9, 2),
        "minutes": minutes,
        "device": device,
    }


def _activations(config: RunConfig, base: Path, lengths: list[int], bytes_each: int) -> float:
    """Bytes of activations of the largest batch."""
    model = read_sizes(base)
    layers = model.get("num_hidden_layers", 0)
    width = model.get("hidden_size", 0)
    kept: float = ACTIVATIONS * layers
    if config.training.gradient_checkpointing:  # one layer at a time is computed again
        kept = KEPT_ACTIVATIONS * layers + ACTIVATIONS
    return _largest_batch(config, lengths) * width * kept * bytes_each / 2


def _cpu_activations(config: RunConfig, base: Path, lengths: list[int], precision: str) -> float:
    """The same on a processor, with the scores of the words."""
    model = read_sizes(base)
    layers = model.get("num_hidden_layers", 0)
    width = model.get("hidden_size", 0)
    each = CPU_ACTIVATIONS.get(precision, CPU_ACTIVATIONS["fp32"])
    kept: float = each * layers
    if config.training.gradient_checkpointing:
        kept = 4 * layers + each  # the input of each layer, and one layer computed again
    scores = TASKS[config.task].scored * LOGITS * model.get("vocab_size", 0)
    return _largest_batch(config, lengths) * (width * kept + scores)


def _largest_batch(config: RunConfig, lengths: list[int]) -> int:
    """Tokens of a batch with the longest rows, padding included."""
    longest = config.data.max_length
    if not config.training.packing:
        longest = min(longest, max(lengths))
    return config.training.batch * TASKS[config.task].sequences * longest


def _work(config: RunConfig, lengths: list[int]) -> tuple[int, float]:
    """(steps, tokens with their padding) of the whole training."""
    training = config.training
    batch = training.batch * TASKS[config.task].sequences
    per_step = batch * training.accumulation * training.processes
    if training.packing:
        rows = ceil(sum(lengths) / config.data.max_length)
        tokens = sum(lengths)
    else:
        rows = len(lengths)
        tokens = _with_padding(lengths, batch)
    per_epoch = max(1, ceil(rows / per_step))
    steps = training.steps or ceil(per_epoch * training.epochs)
    return steps, tokens / per_epoch * steps


def _with_padding(lengths: list[int], batch: int) -> int:
    """Tokens of all batches, taking the rows as they come."""
    tokens = 0
    for begin in range(0, len(lengths), batch):
        rows = lengths[begin : begin + batch]
        tokens += max(rows) * len(rows)
    return tokens


def _device() -> tuple[str, float]:
    """(what it will train on, operations a second that a GPU reaches; 0 where not known)."""
    gpus = gpu_names()
    if gpus:
        return gpus[0], peak_of(gpus[0]) * REACHED
    return "cpu", 0.0
