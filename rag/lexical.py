"""Texts -> words -> BM25: the leg that finds names, numbers and rare words, in any language."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rag.postings import LANGUAGES, Postings, decoded, encoded, joined, mapped, post
from workbench.files import writing
from workbench.language import words

FORMAT = 3  # of the folder; grows when what counts as a word changes
K1, B = 1.5, 0.75  # how soon a word's repetitions count no more, and how much long texts lose
WORDS = 10_000  # whose places an index keeps in memory
DRIFT = 0.01  # so far the usual length may move until an index is written again
TAIL = 0.1  # of the passages: as many may have come and gone before an index is written again


@dataclass(frozen=True, eq=False)
class Part:
    """Postings with what each entry adds to a score, before the rarity of its word.

    `first` is the row of its first passage. `folder` is where it lies on disk, if it does.
    """

    postings: Postings
    weights: np.ndarray  # float32 (entries,), below 1
    first: int
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class _Word:
    """Where each part has a word's entries, and how many passages hold the word."""

    entries: list[slice]
    held: int


class LexicalIndex:
    """BM25 (Robertson & Zaragoza 2009; Lucene's variant) over passages in a fixed order.

    The passages that came after an index was written are a second part of it, and those that have
    gone since are `gone`. `usual` is the length that the weights take as usual: that of the first
    part's passages. Rows outside the parts count the present passages alone.
    """

    def __init__(self, parts: Sequence[Part], gone: np.ndarray, usual: float) -> None:
        self.usual = usual
        self.parts = parts
        self._gone = gone  # int32, ascending: rows that count through all parts
        held = sum(part.postings.size for part in parts)
        self._there = np.delete(np.arange(held, dtype=np.int32), gone) if len(gone) else None
        self.size = held - len(gone)
        self._find = lru_cache(maxsize=WORDS)(self._look_up)

    @classmethod
    def build(cls, passages: Iterable[tuple[str, str]]) -> LexicalIndex:
        """From (id, text) pairs."""
        return cls._of(post(passages))

    @classmethod
    def _of(cls, postings: Postings) -> LexicalIndex:
        usual = float(postings.lengths.mean()) if len(postings.rows) else 1.0
        return cls([Part(postings, _weights(postings, usual), 0)], _NONE, usual)

    def changed(self, gone: Sequence[str], come: Iterable[tuple[str, str]]) -> LexicalIndex:
        """The index without some passages and with others, of which only these are read.

        Where many have changed since the first part was written, all becomes one part again, still
        without a look at their texts.
        """
        base, *tails = self.parts
        places = self.rows_of(gone)
        places = self._placed(places[places >= 0])
        all_gone = np.union1d(self._gone, places).astype(np.int32)
        tail = joined([*(part.postings for part in tails), post(come)])
        lengths = np.concatenate([base.postings.lengths, tail.lengths])
        usual = np.delete(lengths, all_gone).mean() if len(lengths) > len(all_gone) else 1.0
        few = tail.size + len(all_gone) <= TAIL * base.postings.size
        if not few or abs(usual - self.usual) > DRIFT * self.usual:
            return self._of(joined([base.postings, tail], all_gone))
        parts = [base, Part(tail, _weights(tail, self.usual), base.postings.size)]
        return LexicalIndex(parts, all_gone, self.usual)

    def scores(self, question: str) -> np.ndarray:
        """float32 (size,): the BM25 score of each passage; zero where no word is shared."""
        scores = np.zeros(sum(part.postings.size for part in self.parts), np.float32)
        for word in words(question):
            found = self._find(word)
            rarity = np.float32(self._rarity(found.held))
            for part, entries in zip(self.parts, found.entries, strict=True):
                here = scores[part.first :]
                np.add.at(here, part.postings.rows[entries], rarity * part.weights[entries])
        return scores if self._there is None else scores[self._there]

    def rarity(self, word: str) -> float:
        """Inverse document frequency: high for words of few passages, highest for unknown words."""
        return self._rarity(self.held(word))

    def held(self, word: str) -> int:
        """Document frequency: the number of passages that contain the word."""
        return self._find(word).held

    def ceiling(self, question: str) -> float:
        """The BM25 score that no passage can exceed; above zero. Unknown words are the rarest."""
        return sum(map(self.rarity, words(question))) or 1.0

    def coverage(self, question: str) -> np.ndarray:
        """float32 (size,): BM25 as a share of its ceiling, in [0, 1]."""
        return self.scores(question) / np.float32(self.ceiling(question))

    def rows_of(self, ids: Sequence[str]) -> np.ndarray:
        """int (ids,): the row of each; -1 where the index has it not."""
        wanted = encoded(ids)
        found = np.full(len(ids), -1)
        for part in self.parts:
            rows = part.postings.rows_of(wanted)
            there = rows >= 0
            if len(self._gone):
                there &= ~np.isin(rows + part.first, self._gone)
            found[there] = rows[there] + part.first
        return np.where(found >= 0, found - np.searchsorted(self._gone, found), -1)

    def ids_at(self, rows: np.ndarray) -> list[str]:
        """The ids of the passages of these rows."""
        return decoded(self._values("ids", rows))

    @property
    def ids(self) -> list[str]:
        """Every passage's id."""
        return decoded(self.encoded_ids)

    @property
    def encoded_ids(self) -> np.ndarray:
        """bytes (size,): every passage's id, as UTF-8."""
        return self._column("ids") if self._there is None else self._column("ids")[self._there]

    def languages_at(self, rows: np.ndarray) -> list[str]:
        """The languages of the passages of these rows; empty for a row of -1."""
        known = rows >= 0
        numbers = np.full(len(rows), len(LANGUAGES))
        numbers[known] = self._values("languages", rows[known])
        return [(*LANGUAGES, "")[number] for number in numbers.tolist()]

    def rows_in(self, language: str) -> np.ndarray:
        """int (passages,): the rows of the passages in that language, ascending."""
        spoken = self._column("languages")
        spoken = spoken if self._there is None else spoken[self._there]
        return np.flatnonzero(spoken == LANGUAGES.index(language))

    def save(self, folder: Path) -> None:
        """Write the index, complete or not at all. Raises Unwritable.

        A part that lies on disk is not written again but linked, so that folders go one by one.
        """
        if folder.exists():  # another process has written the same revision
            return
        with writing(folder) as new:
            new.mkdir()
            for number, part in enumerate(self.parts):
                _save_part(part, new / f"part-{number}")
            np.save(new / "gone.npy", self._gone, allow_pickle=False)
            about = {"parts": len(self.parts), "usual": self.usual}
            (new / "about.json").write_text(json.dumps(about), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Memory-mapped what `save` wrote. Raises OSError, ValueError, KeyError."""
        about = json.loads((folder / "about.json").read_text("utf-8"))
        parts: list[Part] = []
        first = 0
        for number in range(about["parts"]):
            place = folder / f"part-{number}"
            postings = Postings.load(place)
            parts.append(Part(postings, mapped(place / "weights.npy"), first, place))
            first += postings.size
        gone = np.load(folder / "gone.npy", allow_pickle=False)
        return cls(parts, gone, about["usual"])

    def _look_up(self, word: str) -> _Word:
        entries = [part.postings.entries(word) for part in self.parts]
        held = 0
        for part, here in zip(self.parts, entries, strict=True):
            rows = part.postings.rows[here]
            held += len(rows) - _common(rows, self._gone - part.first)
        return _Word(entries, held)

    def _rarity(self, held: int) -> float:
        return math.log1p((self.size - held + 0.5) / (held + 0.5))

    def _column(self, name: str) -> np.ndarray:
        """An array of the postings, over all parts."""
        columns = [getattr(part.postings, name) for part in self.parts]
        return columns[0] if len(columns) == 1 else np.concatenate(columns)

    def _values(self, name: str, rows: np.ndarray) -> np.ndarray:
        """The values of these rows in an array of the postings."""
        places = self._placed(rows)
        columns = [getattr(part.postings, name) for part in self.parts]
        found = np.empty(len(rows), np.result_type(*columns))
        for part, column in zip(self.parts, columns, strict=True):
            here = (places >= part.first) & (places < part.first + len(column))
            found[here] = column[places[here] - part.first]
        return found

    def _placed(self, rows: np.ndarray) -> np.ndarray:
        """The rows that count those which have gone, too."""
        return rows if self._there is None else self._there[rows]


_NONE = np.zeros(0, np.int32)


def _weights(postings: Postings, usual: float) -> np.ndarray:
    """What an entry adds to a score, before its word's rarity: count / (count + discount)."""
    discounts = (K1 * (1 - B + B * postings.lengths / usual)).astype(np.float32)
    weights = postings.counts.astype(np.float32)
    weights /= weights + discounts[postings.rows]
    return weights


def _save_part(part: Part, folder: Path) -> None:
    if part.folder and part.folder.exists():
        shutil.copytree(part.folder, folder, copy_function=_link)
        return
    folder.mkdir()
    part.postings.save(folder)
    np.save(folder / "weights.npy", part.weights, allow_pickle=False)


def _link(source: str, place: str) -> None:
    try:
        os.link(source, place)
    except OSError:  # a file system without links
        shutil.copy2(source, place)


def _common(ascending: np.ndarray, few: np.ndarray) -> int:
    """How many numbers are in both."""
    if not len(few) or not len(ascending):
        return 0
    places = np.minimum(np.searchsorted(ascending, few), len(ascending) - 1)
    return int((ascending[places] == few).sum())


def coverage_of(question: str, texts: Sequence[str], rarity: Callable[[str], float]) -> list[float]:
    """BM25 of each text as a share of its ceiling, in [0, 1], by words of any given rarity.

    The length that counts as usual is the mean of these texts.
    """
    asked = words(question)
    weights = {word: rarity(word) for word in asked}
    ceiling = sum(weights[word] for word in asked) or 1.0
    counts = [Counter(words(text)) for text in texts]
    usual = sum(count.total() for count in counts) / max(1, len(counts)) or 1.0
    shares = []
    for count in counts:
        discount = K1 * (1 - B + B * count.total() / usual)
        reached = sum(weights[word] * count[word] / (count[word] + discount) for word in asked)
        shares.append(reached / ceiling)
    return shares
