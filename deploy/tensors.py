"""Safetensors files -> rows of a tensor.

They are read, not mapped, so that memory has only those rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
}


@dataclass(frozen=True)
class Place:
    """The place of a tensor; `start` is a byte of the file."""

    path: Path
    start: int
    shape: tuple[int, ...]
    dtype: str


class Tensors:
    """The tensors of some safetensors files by name.

    Raises InvalidInput where one is damaged or cut short.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.places: dict[str, Place] = {}
        for path in paths:
            self.places |= _read_header(path)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: place.shape for name, place in self.places.items()}

    def dtype(self, name: str) -> Any:
        import torch

        return getattr(torch, self.places[name].dtype)

    def rows(self, name: str, start: int = 0, stop: int | None = None) -> Any:
        """The tensor, or its rows from `start` to before `stop`."""
        import numpy as np
        import torch

        place, dtype = self.places[name], self.dtype(name)
        shape = place.shape
        if shape:
            last = shape[0] if stop is None else min(shape[0], stop)
            shape = (max(last - start, 0), *shape[1:])
        count = torch.Size(shape).numel() * dtype.itemsize
        skipped = start * torch.Size(shape[1:]).numel() * dtype.itemsize
        data = np.fromfile(place.path, np.uint8, count, offset=place.start + skipped)
        return torch.from_numpy(data).view(dtype).reshape(shape)


def _read_header(path: Path) -> dict[str, Place]:
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(size))
        header.pop("__metadata__", None)
        begin = 8 + size  # of the first tensor
        length = path.stat().st_size
        places = {}
        for name, entry in header.items():
            start, end = entry["data_offsets"]
            if length < begin + end:
                raise ValueError("it is cut short")
            kind = DTYPES.get(entry["dtype"], "uint8")
            places[name] = Place(path, begin + start, tuple(entry["shape"]), kind)
        return places
    except (OSError, ValueError, KeyError, TypeError, MemoryError, OverflowError) as error:
        raise InvalidInput(
            say("{path} cannot be read: {error}", path=path, error=error),
            "Copy it again, or publish a finished run.",
        ) from error
