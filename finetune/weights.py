"""A base's folder -> its sizes, and names and shapes of its tensors, without loading any."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

HEADER_LENGTH = "<Q"  # the first 8 bytes of a safetensors file: the length of its JSON header

# what some kinds of models call the same sizes
OTHER_NAMES = {
    "n_layer": "num_hidden_layers",
    "num_layers": "num_hidden_layers",
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "multi_query_group_num": "num_key_value_heads",
    "kv_channels": "head_dim",
    "n_positions": "max_position_embeddings",
    "seq_length": "max_position_embeddings",
    "padded_vocab_size": "vocab_size",
}


@dataclass(frozen=True)
class Weights:
    """The tensors of a model, name -> shape, and the sizes in its configuration."""

    shapes: dict[str, tuple[int, ...]]
    config: dict[str, Any] = field(default_factory=dict)

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
    return Weights(shapes, read_sizes(folder))


def read_sizes(folder: Path) -> dict[str, Any]:
    """The configuration of the part that reads text, its sizes by their usual names."""
    values = json.loads((folder / "config.json").read_text("utf-8"))
    return with_usual_names(values.get("text_config", values))


def with_usual_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same configuration, its sizes by their usual names as well."""
    found = dict(values)
    for other, usual in OTHER_NAMES.items():
        if other in found:
            found.setdefault(usual, found[other])
    return found
