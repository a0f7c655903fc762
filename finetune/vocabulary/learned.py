"""What is learned from a corpus: new pieces, and how each of them comes about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbench.errors import InvalidInput
from workbench.messages import say

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NewPiece:
    """A piece as the vocabulary writes it, and the ids of the old tokens that it stands for."""

    piece: str
    parts: tuple[int, ...]
    score: float = 0.0
    """A unigram's log-probability."""


@dataclass(frozen=True)
class Learned:
    """The pieces in the order of their ids, and for BPE the merges, the first to be done first."""

    pieces: Sequence[NewPiece]
    merges: Sequence[Pair] = field(default_factory=tuple)


def too_few(found: int, size: int) -> InvalidInput:
    """The corpus does not hold so many new pieces."""
    if not found:
        return InvalidInput(
            "The corpus repeats nothing that the base does not have as a token already.",
            "Give more text, or have all words learned: --words all",
        )
    return InvalidInput(
        say(
            "The corpus has {found} new tokens to offer, not {size}: no more of it is repeated.",
            found=found,
            size=size,
        ),
        say("Give more text, or ask for fewer: --size {found}", found=found),
    )
