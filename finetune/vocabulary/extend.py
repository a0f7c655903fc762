"""A base's tokenizer and what was learned -> the tokenizer with the new pieces behind the old ones.

No id moves, and no old merge, so a text without a new piece is cut as before.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.vocabulary.base import Base
from finetune.vocabulary.learned import Learned, NewPiece
from finetune.vocabulary.merges import learn_merges
from finetune.vocabulary.unigrams import learn_unigrams
from workbench.artefacts.tokenizer_form import Form

NEVER = -1000.0  # score of a piece that is found before the unigrams are asked


@dataclass(frozen=True)
class Kind:
    """How the vocabulary of a form is learned and extended."""

    title: str
    learn: Callable[[Base, Mapping[str, int], int, bool], Learned]
    write: Callable[[dict[str, Any], Base, Learned], None]
    """Changes the content of a tokenizer.json."""


def extend(base: Base, learned: Learned) -> Any:
    """The extended tokenizer, as the library `tokenizers` has it."""
    from tokenizers import Tokenizer

    parts = copy.deepcopy(base.parts)
    KINDS[base.form].write(parts, base, learned)
    return Tokenizer.from_str(json.dumps(parts, ensure_ascii=False))


def new_ids(base: Base, pieces: Sequence[NewPiece]) -> dict[int, NewPiece]:
    """Id -> piece."""
    return dict(enumerate(pieces, base.next_id))


def _write_merges(parts: dict[str, Any], base: Base, learned: Learned) -> None:
    """Of byte-level BPE: just the merges that were learned."""
    _write_pieces(parts, base, learned)
    parts["model"]["merges"] += [list(merge) for merge in learned.merges]


def _write_all_merges(parts: dict[str, Any], base: Base, learned: Learned) -> None:
    """Of SentencePiece: every pair that makes a piece, since it has no list of merges but scores.

    A new piece may also be a part of an old one, whose score is higher: those come first.
    """
    _write_pieces(parts, base, learned)
    new = {piece.piece for piece in learned.pieces}
    known = base.ids.keys() | new
    merges: list[list[str]] = []
    for piece in base.ids:
        merges += [pair for pair in _splits(piece, known) if not new.isdisjoint(pair)]
    for new_piece in learned.pieces:
        merges += _splits(new_piece.piece, known)
    parts["model"]["merges"] += merges


def _splits(piece: str, known: Any) -> list[list[str]]:
    """The pairs of known pieces that make the piece."""
    pairs = [[piece[:place], piece[place:]] for place in range(1, len(piece))]
    return [pair for pair in pairs if pair[0] in known and pair[1] in known]


def _write_pieces(parts: dict[str, Any], base: Base, learned: Learned) -> None:
    """Added tokens become pieces as well, or their ids would be holes in the vocabulary."""
    vocabulary = parts["model"]["vocab"]
    for number, text in base.added.items():
        if number not in base.pieces:
            vocabulary.setdefault(text, number)
    for number, new in new_ids(base, learned.pieces).items():
        vocabulary[new.piece] = number


def _write_unigrams(parts: dict[str, Any], base: Base, learned: Learned) -> None:
    """An id is a place in the list: those of added tokens are filled first."""
    vocabulary = parts["model"]["vocab"]
    for number in range(len(vocabulary), base.next_id):
        vocabulary.append([base.added.get(number, f"<unused{number}>"), NEVER])
    for new in learned.pieces:
        vocabulary.append([new.piece, new.score])


KINDS: dict[Form, Kind] = {
    "gpt2": Kind("byte-level BPE", learn_merges, _write_merges),
    "llama": Kind("SentencePiece BPE", learn_merges, _write_all_merges),
    "t5": Kind("Unigram", learn_unigrams, _write_unigrams),
}
