"""A tokenizer and lines of text -> characters, tokens, lines that come back, and which tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

AT_ONCE = 500  # lines


@dataclass
class Measured:
    """What a tokenizer makes of some lines."""

    characters: int = 0
    tokens: int = 0
    changed: list[int] = field(default_factory=list)
    """Places of the lines that do not come back letter for letter."""

    counts: Counter[int] = field(default_factory=Counter)
    """How often each id was used."""

    @property
    def characters_per_token(self) -> float:
        return self.characters / max(self.tokens, 1)


def measure(own: Any, lines: Sequence[str], tell: Callable[[int], None]) -> Measured:
    """`own` is a tokenizer of the library `tokenizers`; `tell` gets how many lines are done."""
    found = Measured()
    for start in range(0, len(lines), AT_ONCE):
        some = lines[start : start + AT_ONCE]
        cut = [encoding.ids for encoding in own.encode_batch(some, add_special_tokens=False)]
        back = own.decode_batch(cut, skip_special_tokens=False)
        for place, (line, ids, again) in enumerate(zip(some, cut, back, strict=True), start):
            found.characters += len(line)
            found.tokens += len(ids)
            found.counts.update(ids)
            if again != line:
                found.changed.append(place)
        tell(start + len(some))
    return found
