"""Pieces of text -> their tokens, in order, on all cores; memory holds a few batches of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetune.corpus.pieces import Piece
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

BATCH = 1 << 19  # characters of a batch, which all cores share
THREADS = 2  # one takes a batch out of the tokenizer while the cores are at the next


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


def spelling_of(tokenizer: Any) -> Spelling:
    """The spelling of a tokenizer of transformers. Raises InvalidInput for one without a file."""
    if not tokenizer.is_fast:
        raise InvalidInput(
            "The base's tokenizer is code of its own, without a tokenizer.json.",
            "Use a base that has this file, as nearly all do.",
        )
    if tokenizer.eos_token_id is None:
        raise InvalidInput(
            "The base's tokenizer names no end of text, which would mark where documents end.",
            "Set eos_token in its tokenizer_config.json.",
        )
    text = tokenizer.backend_tokenizer.to_str()
    return Spelling(text, tokenizer.eos_token_id, len(tokenizer))


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


class Encoder:
    """A tokenizer that works on many texts at once: it runs outside of Python, on all cores."""

    def __init__(self, spelling: Spelling) -> None:
        from tokenizers import Tokenizer

        self.spelling = spelling
        self.tokenizer = Tokenizer.from_str(spelling.tokenizer)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def encode(self, pieces: list[Piece]) -> Tokens:
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


def tokenize(pieces: Iterable[Piece], encoder: Encoder) -> Iterator[Tokens]:
    """The tokens of each batch of pieces, in their order."""
    with ThreadPoolExecutor(THREADS) as threads:
        waiting: deque[Future[Tokens]] = deque()
        for batch in _batches(pieces):
            waiting.append(threads.submit(encoder.encode, batch))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


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
