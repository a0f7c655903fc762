"""The tokens of a corpus -> rows of equal length for the trainer, read when they are needed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

from finetune.corpus.store import TokenFile
from finetune.encoding.batches import TokenRow
from finetune.encoding.masking import IGNORED


@dataclass(frozen=True)
class Blocks:
    """The tokens `begin` to `stop` of a corpus, in rows of `length`; the last may be shorter.

    Where documents are `isolated`, none attends to another, and none predicts the next one.
    """

    tokens: TokenFile
    length: int
    begin: int
    stop: int
    isolated: bool = False

    def __len__(self) -> int:
        return -(-(self.stop - self.begin) // self.length)  # rounded up

    @property
    def count(self) -> int:
        """How many tokens all rows have together."""
        return self.stop - self.begin

    def row(self, number: int) -> TokenRow:
        """The tokens of a row and their labels, which are the tokens themselves."""
        first = self.begin + number * self.length
        last = min(first + self.length, self.stop)
        ids = self.tokens.ids[first:last].tolist()
        lengths = self._lengths(first, last) if self.isolated else [len(ids)]
        labels = list(ids)
        at = 0
        for length in lengths:
            labels[at] = IGNORED  # nothing before it predicts it
            at += length
        return {"input_ids": ids, "labels": labels, "seq_lengths": lengths}

    def _lengths(self, first: int, last: int) -> list[int]:
        """How long the parts of documents between these two places are."""
        import numpy as np

        ends = self.tokens.ends
        inside = ends[np.searchsorted(ends, first, "right") : np.searchsorted(ends, last, "left")]
        places = [first, *inside.tolist(), last]
        return [after - before for before, after in pairwise(places)]


@dataclass(frozen=True)
class Parts:
    """A corpus in blocks: those that are learned, those held out, and the tokens left over.

    tokens of the corpus = taught.count + held_out.count + remainder
    """

    taught: Blocks
    held_out: Blocks
    remainder: int


def part(tokens: TokenFile, length: int, share: float = 0.0, isolated: bool = False) -> Parts:
    """Cut a corpus into blocks, and hold out the share at its end, to its very last token.

    The end, because a block between two that are learned would be half known.
    """
    all_tokens = len(tokens.ids)
    whole = all_tokens // length
    kept = whole - round(whole * share)
    taught = Blocks(tokens, length, 0, kept * length, isolated)
    if kept == whole:
        return Parts(taught, Blocks(tokens, length, 0, 0, isolated), all_tokens - taught.count)
    held_out = Blocks(tokens, length, taught.count, all_tokens, isolated)
    return Parts(taught, held_out, 0)


def measured(tokens: TokenFile, length: int, isolated: bool = False) -> Blocks:
    """All tokens of a corpus to measure on; the last row is as long as it is."""
    return Blocks(tokens, length, 0, len(tokens.ids), isolated)


def passes(count: int, weight: float, chance: random.Random) -> list[int]:
    """The numbers of `count` rows for one epoch: each `weight` times, a part of one by lot."""
    often, part_of_one = divmod(weight, 1)
    drawn = sorted(chance.sample(range(count), round(count * part_of_one)))
    return [*range(count)] * int(often) + drawn
