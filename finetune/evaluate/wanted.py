"""What a scoring is to ask and to count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ALWAYS = ("exact", "words")  # measures that cost nothing


@dataclass(frozen=True)
class Wanted:
    """What is asked and counted. Of `limit` 0 all rows; `batch` is the questions at once."""

    files: Sequence[Path]
    only: dict[str, str] = field(default_factory=dict)
    limit: int = 0
    batch: int = 32
    pattern: str = ""
    metrics: Sequence[str] = ALWAYS
    threshold: float = 0.6  # of F1
