"""Encoded answers -> the padded batches that TRL's preference trainers take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetune.encoding.masking import IGNORED, Encoded

AnswerRow = dict[str, Any]  # input_ids, labels, and whether the answer is good


def as_answers(encoded: Sequence[Encoded]) -> list[AnswerRow]:
    """A row an answer."""
    return [{"input_ids": row.input_ids, "labels": row.labels, "good": row.good} for row in encoded]


def as_pairs(encoded: Sequence[Encoded]) -> list[dict[str, AnswerRow]]:
    """A row a pair, of sequences of which every second one is the rejected answer."""
    answers = as_answers(encoded)
    pairs = zip(answers[::2], answers[1::2], strict=True)
    return [{"chosen": chosen, "rejected": rejected} for chosen, rejected in pairs]


class PairCollator:
    """Pairs -> tensors of answers x tokens: all chosen answers, then all rejected ones."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: Sequence[dict[str, AnswerRow]]) -> dict[str, Any]:
        chosen = [row["chosen"] for row in rows]
        rejected = [row["rejected"] for row in rows]
        return padded([*chosen, *rejected], self.pad)


class RatedCollator:
    """Rated answers -> tensors of answers x tokens, with their labels.

    KTO measures how far the model has moved by answers to other questions (`KL_…`): each question
    of the batch gets the answer of the one before, cut to `longest` tokens.
    """

    def __init__(self, pad: int, longest: int, *, moved: bool) -> None:
        self.pad = pad
        self.longest = longest
        self.moved = moved

    def __call__(self, rows: Sequence[AnswerRow]) -> dict[str, Any]:
        import torch

        batch = padded(rows, self.pad)
        batch["label"] = torch.tensor([row["good"] for row in rows])
        if self.moved:
            others = [rows[-1], *rows[:-1]]
            strange = [self._exchanged(row, other) for row, other in zip(rows, others, strict=True)]
            for name, tensor in padded(strange, self.pad).items():
                batch[f"KL_{name}"] = tensor
        return batch

    def _exchanged(self, row: AnswerRow, other: AnswerRow) -> AnswerRow:
        """The question of `row` with the answer of `other`."""
        end = _answer_begins(row)
        begin = _answer_begins(other)
        ids = row["input_ids"][:end] + other["input_ids"][begin:]
        labels = [IGNORED] * end + other["labels"][begin:]
        return {"input_ids": ids[: self.longest], "labels": labels[: self.longest]}


def padded(rows: Sequence[AnswerRow], pad: int) -> dict[str, Any]:
    """{"input_ids", "attention_mask", "completion_mask"}: what counts are the labelled tokens."""
    import torch

    size = max(len(row["input_ids"]) for row in rows)
    ids = torch.full((len(rows), size), pad)
    labels = torch.full((len(rows), size), IGNORED)
    for number, row in enumerate(rows):
        length = len(row["input_ids"])
        ids[number, :length] = torch.tensor(row["input_ids"])
        labels[number, :length] = torch.tensor(row["labels"])
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    return {
        "input_ids": ids,
        "attention_mask": (torch.arange(size) < lengths[:, None]).long(),
        "completion_mask": (labels != IGNORED).long(),
    }


def _answer_begins(row: AnswerRow) -> int:
    """The place of the first token that counts."""
    return next(place for place, label in enumerate(row["labels"]) if label != IGNORED)
