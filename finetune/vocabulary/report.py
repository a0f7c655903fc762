"""What an extended base says of itself: its figures and its new tokens, kept in its folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.vocabulary.base import Base
from finetune.vocabulary.learned import NewPiece
from workbench.files import read_json, write_text

FIGURES = "vocabulary.json"
TOKENS = "new_tokens.jsonl"
REPLACED = "\N{REPLACEMENT CHARACTER}"


def covered(base: Base, new: Mapping[int, NewPiece], counts: Counter[int]) -> float:
    """The share of the text, in bytes, that is written in new tokens."""
    written = 0
    by_new = 0
    for number, count in counts.items():
        piece = new[number].piece if number in new else base.pieces.get(number, "")
        size = count * len(base.bytes_of(piece) or base.added.get(number, "").encode())
        written += size
        if number in new:
            by_new += size
    return by_new / max(written, 1)


def write_tokens(path: Path, base: Base, new: Mapping[int, NewPiece], counts: Counter[int]) -> None:
    """Each new token as a line of JSON, the most used first, with what it was made of."""
    rows = []
    for number in sorted(new, key=lambda number: -counts[number]):
        piece = new[number]
        row = {
            "id": number,
            "token": as_text(base.bytes_of(piece.piece)),
            "count": counts[number],
            "made_of": len(piece.parts),
            "piece": piece.piece,
        }
        rows.append(json.dumps(row, ensure_ascii=False) + "\n")
    write_text(path, "".join(rows))


def as_text(spelt: bytes) -> str:
    """Bytes as text; a part of a character is shown by its bytes."""
    text = spelt.decode("utf-8", "replace")
    return spelt.hex(" ") if REPLACED in text else text


def read_figures(folder: Path) -> dict[str, Any] | None:
    """The figures of an extended base; None for another folder."""
    figures: dict[str, Any] | None = read_json(folder / FIGURES)
    return figures


def read_tokens(folder: Path, most: int) -> list[dict[str, Any]]:
    """The new tokens that are used most."""
    rows = []
    with (folder / TOKENS).open(encoding="utf-8") as file:
        for line in file:
            rows.append(json.loads(line))
            if len(rows) == most:
                break
    return rows
