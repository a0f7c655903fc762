"""A base's configuration and a run's settings -> memory and time of the training, before anything is loaded."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path
from typing import Any

from finetune.run.config import RunConfig

BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2}
# dense bf16 TFLOP/s as the makers state them; a training reaches about a third
GPUS = {
    "H200": 989,
    "H100": 989,
    "H20": 148,
    "A100": 312,
    "A10": 125,
    "L40": 181,
    "L4": 121,
    "4090": 165,
    "3090": 71,
    "V100": 112,
    "T4": 65,
}
REACHED = 0.33
CORE = 30e9  # operations a second that a training reaches on one processor core, measured with AVX2
STEP_OVERHEAD = 0.02  # seconds that a step costs beside the arithmetic, measured on a small model


@dataclass(frozen=True)
class Weights:
    """What stands in the headers of a folder's safetensors files: tensor name -> shape."""

    shapes: dict[str, tuple[int, ...]]

    @property
    def count(self) -> int:
        return sum(prod(shape) for shape in self.shapes.values())

    def matrices(self) -> dict[str, tuple[int, ...]]:
        """The layers that an adapter can sit on, by the last part of their name."""
        return {
            name.removesuffix(".weight").rpartition(".")[2]: shape
            for name, shape in self.shapes.items()
            if name.endswith(".weight") and len(shape) == 2
        }


def read_weights(folder: Path) -> Weights:
    """Read the headers only: a few kilobytes of files of any size."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        shapes |= {
            name: tuple(one["shape"]) for name, one in header.items() if name != "__metadata__"
        }
    return Weights(shapes)


def estimate(config: RunConfig, base: Path, weights: Weights, lengths: list[int]) -> dict[str, Any]:
    """{"parameters", "trainable", "steps", "tokens", "memory_gb", "minutes", "device"}; minutes None where not known.

    Activations after Korthikanti et al. (2022), Reducing Activation Recomputation: 34 bytes a token, unit of width and
    layer at half precision, 2 where they are computed again.
    """
    model = json.loads((base / "config.json").read_text("utf-8"))
    model = model.get("text_config", model)
    layers, width = model.get("num_hidden_layers", 0), model.get("hidden_size", 0)
    device, flops = _device()
    half = (
        device != "cpu" and config.training.precision != "fp32"
    ) or config.training.precision == "bf16"
    size = 2 if half else 4
    trainable = _trainable(config, weights)
    per_row = sorted(lengths)[-min(len(lengths), config.training.batch) :]
    longest = config.data.max_length if config.training.packing else max(per_row)
    in_batch = config.training.batch * min(longest, config.data.max_length)
    kept = 2 + 34 / max(layers, 1) if config.training.gradient_checkpointing else 34
    activations = in_batch * width * layers * kept * size / 2
    memory = weights.count * size + trainable * 16 + activations
    steps, tokens = _work(config, lengths)
    passes = (
        6 if config.training.gradient_checkpointing else 4
    )  # forward 2, backward 2 to the adapters
    seconds = (passes * weights.count * tokens / flops + steps * STEP_OVERHEAD) if flops else None
    return {
        "parameters": weights.count,
        "trainable": trainable,
        "steps": steps,
        "tokens": round(tokens),
        "memory_gb": round(memory / 1e9, 2),
        "minutes": round(seconds / 60, 1) if seconds else None,
        "device": device,
    }


def _work(config: RunConfig, lengths: list[int]) -> tuple[int, float]:
    """(steps, tokens with their padding) of the whole training."""
    per_step = config.training.batch * config.training.accumulation * config.training.processes
    if config.training.packing:
        rows: float = ceil(sum(lengths) / config.data.max_length)
        tokens = float(sum(lengths))
    else:
        rows, tokens = len(lengths), sum(lengths) * _padding(lengths, config.training.batch)
    per_epoch = max(1, ceil(rows / per_step))
    steps = config.training.steps or ceil(per_epoch * config.training.epochs)
    return steps, tokens / per_epoch * steps


def _padding(lengths: list[int], batch: int) -> float:
    """How many tokens a batch has for each useful one, taking the rows as they come."""
    padded = sum(max(part) * len(part) for part in _parts(lengths, batch))
    return padded / max(sum(lengths), 1)


def _parts(lengths: list[int], size: int) -> Iterable[list[int]]:
    return (lengths[begin : begin + size] for begin in range(0, len(lengths), size))


def _trainable(config: RunConfig, weights: Weights) -> int:
    """Parameters of the adapter: rank times in and out of each of its layers, and whole modules that are saved."""
    targets, saved, count = config.lora.targets, config.lora.modules_to_save, 0
    for name, shape in weights.shapes.items():
        layer = name.removesuffix(".weight").rpartition(".")[2]
        if layer in saved:
            count += prod(shape)
        elif len(shape) == 2 and (
            layer in targets if targets != "all-linear" else not _is_vocabulary(layer)
        ):
            count += config.lora.rank * sum(shape) + (
                shape[0] if config.lora.method == "dora" else 0
            )
    return count


def _is_vocabulary(layer: str) -> bool:
    return layer in (
        "embed_tokens",
        "lm_head",
        "wte",
        "wpe",
        "word_embeddings",
        "embed_out",
        "output_layer",
    )


def _device() -> tuple[str, float]:
    """(what it will train on, floating point operations a second that it reaches; 0 where not known)."""
    for path in Path("/proc/driver/nvidia/gpus").glob("*/information"):
        name = next(
            (
                line.partition(":")[2].strip()
                for line in path.read_text().splitlines()
                if "Model" in line
            ),
            "GPU",
        )
        known = next((tera for short, tera in GPUS.items() if short in name), 0)
        return name, known * 1e12 * REACHED
    return "cpu", CORE * (os.cpu_count() or 1)
