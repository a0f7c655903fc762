"""Passages -> for each word the passages that have it, as arrays that stay on disk.

A word is known by 64 bits of its digest: with two million words the chance that any two share them
is one in ten million, and no word needs to be kept. Postings join without a look at any text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path

import numpy as np

from workbench.language import OPENING, language_of, words

PART = 20_000  # passages whose words are counted at a time
LANGUAGES = ("en", "zh")  # a passage's is kept as its place in this row
MOST = np.iinfo(np.uint16).max  # of a word in a passage


@dataclass(frozen=True, eq=False)
class Postings:
    """Passages in a fixed order, each known by its row, and the words that they hold.

    The entries of the word `words[i]` are those from `starts[i]` to `starts[i + 1]`, by row.
    """

    ids: np.ndarray  # bytes (passages,): UTF-8
    by_id: np.ndarray  # int32 (passages,): the rows in the order of their ids
    languages: np.ndarray  # uint8 (passages,)
    lengths: np.ndarray  # int32 (passages,): words of each
    words: np.ndarray  # uint64 (words,), ascending
    starts: np.ndarray  # int64 (words + 1,)
    rows: np.ndarray  # int32 (entries,)
    counts: np.ndarray  # uint16 (entries,): how often the passage holds the word

    @property
    def size(self) -> int:
        """The number of passages."""
        return len(self.ids)

    def entries(self, word: str) -> slice:
        """Where the word's entries are; empty where no passage has it."""
        place = self.place(word)
        if place is None:
            return slice(0, 0)
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    def place(self, word: str) -> int | None:
        """The word's place among `words`."""
        wanted = np.frombuffer(_digest(word), np.uint64)[0]
        place = int(np.searchsorted(self.words, wanted))
        found = place < len(self.words) and self.words[place] == wanted
        return place if found else None

    def rows_of(self, ids: np.ndarray) -> np.ndarray:
        """int (ids,): the row of each; -1 where it is none of these passages."""
        if not self.size:
            return np.full(len(ids), -1)
        places = np.searchsorted(self.ids, ids, sorter=self.by_id)
        rows = self.by_id[np.minimum(places, self.size - 1)].astype(np.int64)
        return np.where(self.ids[rows] == ids, rows, -1)

    def save(self, folder: Path) -> None:
        """A file for each array, in a folder that exists."""
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Postings:
        """Memory-mapped what `save` wrote. Raises OSError, ValueError."""
        return cls(**{field.name: mapped(folder / f"{field.name}.npy") for field in fields(cls)})


def mapped(path: Path) -> np.ndarray:
    """An array of a file, of which only what is looked at is read."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def encoded(ids: Sequence[str]) -> np.ndarray:
    """bytes (ids,): as postings keep them."""
    return np.array([name.encode() for name in ids], np.bytes_)


def decoded(ids: np.ndarray) -> list[str]:
    """The inverse of `encoded`."""
    return [name.decode() for name in ids.tolist()]


def post(passages: Iterable[tuple[str, str]]) -> Postings:
    """The postings of (id, text) pairs."""
    parts: list[Postings] = []
    rest = iter(passages)
    while part := list(islice(rest, PART)):
        parts.append(_count(part))
    return parts[0] if len(parts) == 1 else joined(parts)


def joined(parts: Sequence[Postings], gone: np.ndarray | None = None) -> Postings:
    """Parts one after another, without the rows `gone`, which count through all of them."""
    if gone is not None and len(gone):
        parts = _without(parts, gone)
    words = np.unique(np.concatenate([_NO_WORDS, *(part.words for part in parts)]))
    totals = np.zeros(len(words), np.int64)
    for part in parts:
        totals[np.searchsorted(words, part.words)] += np.diff(part.starts)
    starts = np.concatenate([[0], np.cumsum(totals)])
    free = starts[:-1].copy()  # where the next entry of each word goes
    found = np.empty(starts[-1], np.int32)
    counts = np.empty(starts[-1], np.uint16)
    first = 0
    for part in parts:
        numbers = np.searchsorted(words, part.words)
        sizes = np.diff(part.starts)
        places = np.arange(len(part.rows)) + np.repeat(free[numbers] - part.starts[:-1], sizes)
        found[places] = part.rows + np.int32(first)
        counts[places] = part.counts
        free[numbers] += sizes
        first += part.size
    ids = np.concatenate([_NO_IDS, *(part.ids for part in parts)])
    return Postings(
        ids=ids,
        by_id=np.argsort(ids, kind="stable").astype(np.int32),
        languages=np.concatenate([np.zeros(0, np.uint8), *(part.languages for part in parts)]),
        lengths=np.concatenate([np.zeros(0, np.int32), *(part.lengths for part in parts)]),
        words=words,
        starts=starts,
        rows=found,
        counts=counts,
    )


_NO_WORDS = np.zeros(0, np.uint64)
_NO_IDS = np.zeros(0, "S1")


def _count(passages: Sequence[tuple[str, str]]) -> Postings:
    """The postings of a few passages."""
    numbers: dict[str, int] = {}
    told: list[int] = []
    lengths = np.zeros(len(passages), np.int32)
    for row, (_, text) in enumerate(passages):
        found = words(text)
        lengths[row] = len(found)
        told += [numbers.setdefault(word, len(numbers)) for word in found]
    digests = np.frombuffer(b"".join(map(_digest, numbers)), np.uint64)
    order = np.argsort(digests)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    # word and row in one number, so that one sort puts both in order
    keys = place[told] * len(passages) + np.repeat(np.arange(len(passages)), lengths)
    pairs, counts = np.unique(keys, return_counts=True)
    word, rows = np.divmod(pairs, max(1, len(passages)))
    ids = encoded([name for name, _ in passages])
    languages = [LANGUAGES.index(language_of(text[:OPENING])) for _, text in passages]
    return Postings(
        ids=ids,
        by_id=np.argsort(ids, kind="stable").astype(np.int32),
        languages=np.array(languages, np.uint8),
        lengths=lengths,
        words=digests[order],
        starts=np.searchsorted(word, np.arange(len(order) + 1)),
        rows=rows.astype(np.int32),
        counts=np.minimum(counts, MOST).astype(np.uint16),
    )


def _without(parts: Sequence[Postings], gone: np.ndarray) -> list[Postings]:
    """The parts without the rows `gone`, which count through all of them."""
    kept = np.ones(sum(part.size for part in parts), bool)
    kept[gone] = False
    left: list[Postings] = []
    for part in parts:
        here, kept = kept[: part.size], kept[part.size :]
        left.append(_kept(part, here))
    return left


def _kept(part: Postings, kept: np.ndarray) -> Postings:
    """The part with those passages alone that are `kept`, bool (passages,)."""
    rows = np.cumsum(kept, dtype=np.int32) - 1
    there = kept[part.rows]
    before = np.concatenate([[0], np.cumsum(there)])
    return replace(
        part,
        ids=part.ids[kept],
        languages=part.languages[kept],
        lengths=part.lengths[kept],
        starts=before[part.starts],
        rows=rows[part.rows[there]],
        counts=part.counts[there],
    )


def _digest(word: str) -> bytes:
    return hashlib.blake2b(word.encode(), digest_size=8).digest()
