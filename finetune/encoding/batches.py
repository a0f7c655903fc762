"""Encoded rows -> packed rows and batches, in which no sequence attends to another."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

from finetune.encoding.masking import IGNORED, Encoded

TokenRow = dict[str, list[int]]  # input_ids, labels, seq_lengths


def as_rows(encoded: Sequence[Encoded]) -> list[TokenRow]:
    """One sequence a row, as the trainer takes it."""
    return [
        {"input_ids": row.input_ids, "labels": row.labels, "seq_lengths": [len(row.input_ids)]}
        for row in encoded
    ]


def pack(encoded: Sequence[Encoded], length: int) -> list[TokenRow]:
    """Put whole sequences together into rows of at most `length` tokens.

    Best-fit decreasing: the longest first, each where the least room is left over. After Ding et
    al. (2024), Fewer Truncations Improve Language Modeling.
    """
    rows: list[list[Encoded]] = []
    free: list[tuple[int, int]] = []  # (room left, row), sorted
    for sequence in sorted(encoded, key=lambda row: -len(row.input_ids)):
        size = len(sequence.input_ids)
        place = bisect_left(free, (size, -1))
        if place < len(free):
            room, number = free.pop(place)
        else:
            room, number = length, len(rows)
            rows.append([])
        rows[number].append(sequence)
        insort(free, (room - size, number))
    return [_join(row) for row in rows]


def _join(row: Sequence[Encoded]) -> TokenRow:
    """The sequences behind each other; the first token of each is predicted by nothing."""
    joined: TokenRow = {"input_ids": [], "labels": [], "seq_lengths": []}
    for part in row:
        joined["input_ids"] += part.input_ids
        joined["labels"] += [IGNORED, *part.labels[1:]]
        joined["seq_lengths"].append(len(part.input_ids))
    return joined


class Collator:
    """Rows -> padded tensors of rows x tokens.

    Positions that begin again at 0 show transformers' mask where a sequence begins.
    """

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: Sequence[TokenRow]) -> dict[str, Any]:
        import torch

        size = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), size), self.pad)
        labels = torch.full((len(rows), size), IGNORED)
        positions = torch.zeros((len(rows), size), dtype=torch.long)
        for number, row in enumerate(rows):
            length = len(row["input_ids"])
            ids[number, :length] = torch.tensor(row["input_ids"])
            labels[number, :length] = torch.tensor(row["labels"])
            places = [torch.arange(part) for part in row["seq_lengths"]]
            positions[number] = torch.cat([*places, torch.arange(size - length)])
        batch = {"input_ids": ids, "labels": labels}
        if any(len(row["seq_lengths"]) > 1 for row in rows):
            return batch | {"position_ids": positions}
        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        return batch | {"attention_mask": (torch.arange(size) < lengths[:, None]).long()}
