"""The beginning of a corpus -> its first blocks and a count of its tokens, for `check`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.corpus.pieces import read_pieces
from finetune.corpus.settings import Mixture
from finetune.corpus.store import Corpus
from finetune.encoding.masking import IGNORED, Encoded, EncodedAll
from workbench.errors import InvalidInput
from workbench.messages import say

READ = 1 << 20  # characters that are tokenized; the rest is reckoned by its size
SHOWN = 5  # blocks for the preview


@dataclass(frozen=True, slots=True)
class Counted(EncodedAll):
    """The first blocks, the number of all that are learned, and the tokens of the corpus."""

    length: int = 0
    blocks: int = 0
    tokens: int = 0
    exact: bool = True

    @property
    def lengths(self) -> list[int]:
        return [self.length] * self.blocks

    @property
    def facts(self) -> dict[str, Any]:
        return {"corpus_tokens": self.tokens, "corpus_tokens_exact": self.exact}


def count_blocks(mixture: Mixture, tokenizer: Any, length: int) -> Counted:
    """The blocks of one epoch. Raises InvalidInput for text that cannot be read, or too little."""
    rows: list[Encoded] = []
    blocks = tokens = 0
    exact = True
    for weighted in mixture.corpora:
        ids, share = _read(weighted.corpus, tokenizer)
        found = round(len(ids) / share)
        learned = round(found // length * (1 - mixture.share))
        blocks += round(learned * weighted.weight)
        tokens += found
        exact = exact and share == 1
        rows += _first_blocks(ids, length)
    if not blocks:
        raise InvalidInput(
            say(
                "the corpus has {tokens} tokens, and a block {length}", tokens=tokens, length=length
            ),
            "Lower data.max_length, or add text.",
        )
    return Counted(rows[:SHOWN], length=length, blocks=blocks, tokens=tokens, exact=exact)


def _read(corpus: Corpus, tokenizer: Any) -> tuple[list[int], float]:
    """The tokens of the corpus's beginning, and which share of it that is."""
    pieces = read_pieces(corpus.files, corpus.documents, corpus.column, can_cut=_anywhere)
    ids: list[int] = []
    characters = size = 0
    whole = True
    for piece in pieces:
        if characters > READ:
            whole = False
            break
        characters += len(piece.text)
        size += len(piece.text.encode())
        [found] = tokenizer([piece.text], add_special_tokens=False)["input_ids"]
        ids += found
        if piece.ends:
            ids += _end(tokenizer)
    return ids, 1.0 if whole else min(1.0, size / corpus.size)


def _anywhere(before: str, after: str) -> bool:
    """A count need not be exact at the borders of pieces."""
    return True


def _end(tokenizer: Any) -> list[int]:
    end = tokenizer.get_vocab().get(tokenizer.eos_token)
    if end is None:
        raise InvalidInput(
            "The base's tokenizer names no end of text, which would mark where documents end.",
            "Set eos_token in its tokenizer_config.json.",
        )
    return [end]


def _first_blocks(ids: Sequence[int], length: int) -> list[Encoded]:
    found = []
    for begin in range(0, min(len(ids) // length, SHOWN) * length, length):
        block = list(ids[begin : begin + length])
        found.append(Encoded(block, [IGNORED, *block[1:]]))
    return found
