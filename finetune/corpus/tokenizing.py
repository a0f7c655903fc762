"""Pieces of text -> their tokens, in order, by several processes; memory holds a few batches."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING

from finetune.corpus.pieces import Piece
from workbench.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np

BATCH = 1 << 18  # characters that a process takes at once
AHEAD = 2  # batches for each process that wait or are done
SMALL = 4  # batches that are not worth starting processes


@dataclass(frozen=True)
class Spelling:
    """How text becomes tokens: the content of a tokenizer.json, and the id that ends a document."""

    tokenizer: str
    end: int
    words: int

    @property
    def dtype(self) -> str:
        """The smallest type that holds every id."""
        return "uint16" if self.words <= 1 << 16 else "uint32"


@dataclass(frozen=True)
class Tokens:
    """The tokens of a batch, where its documents end, and how much text it was.

    `ends` are places behind the end tokens, counted from the batch's first token.
    """

    ids: np.ndarray
    ends: np.ndarray
    characters: int
    size: int
    """Bytes of the text in UTF-8."""


def tokenize(pieces: Iterable[Piece], spelling: Spelling, processes: int = 0) -> Iterator[Tokens]:
    """The tokens of each batch of pieces, in their order. `processes` 0: one a processor core.

    Raises Unavailable where a process is killed.
    """
    batches = _batches(pieces)
    first = list(islice(batches, SMALL + 1))
    count = processes or _cores()
    if count == 1 or len(first) <= SMALL:
        yield from map(Encoder(spelling), chain(first, batches))
        return
    with _pool(spelling, count) as pool:
        waiting: deque[Future[Tokens]] = deque()
        for batch in chain(first, batches):
            waiting.append(pool.submit(_encode, batch))
            if len(waiting) >= AHEAD * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Encoder:
    """The tokenizer of one process."""

    def __init__(self, spelling: Spelling) -> None:
        from tokenizers import Tokenizer

        self.spelling = spelling
        self.tokenizer = Tokenizer.from_str(spelling.tokenizer)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def __call__(self, pieces: list[Piece]) -> Tokens:
        """The tokens of the pieces, an end token behind each document."""
        import numpy as np

        texts = [piece.text for piece in pieces]
        found = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids: list[int] = []
        ends: list[int] = []
        for piece, encoded in zip(pieces, found, strict=True):
            ids += encoded.ids
            if piece.ends:
                ids.append(self.spelling.end)
                ends.append(len(ids))
        return Tokens(
            ids=np.array(ids, self.spelling.dtype),
            ends=np.array(ends, "int64"),
            characters=sum(len(text) for text in texts),
            size=sum(len(text.encode()) for text in texts),
        )

    def can_cut(self, before: str, after: str) -> bool:
        """Whether the tokens of both texts are those of the two as one."""
        left, right, whole = (
            self.tokenizer.encode(text, add_special_tokens=False).ids
            for text in (before, after, before + after)
        )
        return left + right == whole


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece.text)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@contextmanager
def _pool(spelling: Spelling, count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes with a tokenizer each. What waits is dropped where the reader stops early."""
    pool = ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_begin, initargs=(spelling,)
    )  # not fork: torch's threads may hold a lock
    try:
        yield pool
    except BrokenProcessPool as error:
        raise Unavailable(
            "A process that tokenizes the corpus was killed.",
            "It may have been short of memory: set workers = 1 under [pretrain].",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_encoder: list[Encoder] = []  # the one of this process


def _begin(spelling: Spelling) -> None:
    """Prepare a process. It ends with its parent, even one that is killed, and never before."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # each process has a core of its own
    _encoder.append(Encoder(spelling))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _encode(batch: list[Piece]) -> Tokens:
    [encoder] = _encoder
    return encoder(batch)


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
