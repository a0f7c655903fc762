"""A base's folder -> names and shapes of its tensors, by the headers of its safetensors files."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

HEADER_LENGTH = "<Q"  # the first 8 bytes of a safetensors file: the length of its JSON header


@dataclass(frozen=True)
class Weights:
    """The tensors of a model: name -> shape."""

    shapes: dict[str, tuple[int, ...]]

    @property
    def count(self) -> int:
        """How many parameters the model has."""
        return sum(prod(shape) for shape in self.shapes.values())

    def matrices(self) -> dict[str, tuple[int, ...]]:
        """The layers that an adapter can sit on, by the last part of their name."""
        found: dict[str, tuple[int, ...]] = {}
        for name, shape in self.shapes.items():
            if name.endswith(".weight") and len(shape) == 2:
                found[layer_of(name)] = shape
        return found


def layer_of(tensor: str) -> str:
    """`model.layers.0.self_attn.q_proj.weight` -> `q_proj`."""
    return tensor.removesuffix(".weight").rpartition(".")[2]


def read_weights(folder: Path) -> Weights:
    """Read the headers only: a few kilobytes, whatever the size of the files."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            (length,) = struct.unpack(HEADER_LENGTH, file.read(8))
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for name, tensor in header.items():
            shapes[name] = tuple(tensor["shape"])
    return Weights(shapes)
