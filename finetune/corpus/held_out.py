"""Blocks that are held out -> their text and characters, by which tokenizers can be compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from finetune.corpus.blocks import Blocks
from workbench.artefacts.data_set import write_lines

KEPT = 200_000  # tokens whose text is kept with a run, to be measured again
AT_ONCE = 1 << 16  # tokens that are decoded together

Decode = Callable[[list[int]], str]


def documents_of(blocks: Blocks, decode: Decode, most: int = KEPT) -> Iterator[str]:
    """The text of each document or part of one, of the first `most` tokens."""
    import numpy as np

    ids, ends = blocks.tokens.ids, blocks.tokens.ends
    stop = min(blocks.stop, blocks.begin + most)
    begin = blocks.begin
    for end in ends[np.searchsorted(ends, begin, "right") :].tolist():
        if end > stop:
            break
        yield decode(ids[begin : end - 1].tolist())  # without the end token
        begin = end
    if begin < stop:
        yield decode(ids[begin:stop].tolist())


def write_documents(path: Path, held_out: Sequence[Blocks], decode: Decode) -> None:
    """{"text": …} for each document of the blocks, whole or not at all."""
    texts = chain.from_iterable(documents_of(blocks, decode) for blocks in held_out)
    write_lines(path, (json.dumps({"text": text}, ensure_ascii=False) for text in texts))


def characters_of(blocks: Blocks, decode: Decode) -> int:
    """How many characters the tokens stand for."""
    ids = blocks.tokens.ids
    count = 0
    for begin in range(blocks.begin, blocks.stop, AT_ONCE):
        count += len(decode(ids[begin : min(begin + AT_ONCE, blocks.stop)].tolist()))
    return count
