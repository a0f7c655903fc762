"""Lines of a corpus -> its words as the base's tokenizer sees them, each with its count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from finetune.vocabulary.base import Base

Which = Literal["auto", "all", "other"]
WHICH: tuple[Which, ...] = ("auto", "all", "other")

# SentencePiece has no rule of its own for where a word ends: a script's letters stay together, and
# a space only begins a word
BORDERS = r"▁?[\p{L}\p{M}]+|\p{N}|▁+|[^\p{L}\p{M}\p{N}▁]+"
LETTER = re.compile(r"[^\W\d_]")
LATIN = re.compile("[A-Za-z]")
SAMPLE = 2000  # lines by which the corpus's script is told


def count_words(base: Base, lines: Iterable[str]) -> Counter[str]:
    """The words between which the tokenizer never merges, normalised and written as it does."""
    words: Counter[str] = Counter()
    split = _splitter(base)
    normalizer = base.own.normalizer
    for line in lines:
        text = normalizer.normalize_str(line) if normalizer else line
        words.update(split(text))
    return words


def _splitter(base: Base) -> Callable[[str], list[str]]:
    """Text -> words: the tokenizer's own rule, and BORDERS where that leaves sentences whole."""
    from tokenizers import Regex, pre_tokenizers

    steps = []
    if base.own.pre_tokenizer:
        steps.append(base.own.pre_tokenizer)
    if base.form != "gpt2":
        steps.append(pre_tokenizers.Split(Regex(BORDERS), "isolated"))
    rule = pre_tokenizers.Sequence(steps)

    def split(text: str) -> list[str]:
        return [word for word, _ in rule.pre_tokenize_str(text)]

    return split


def learns_all(which: Which, lines: Sequence[str]) -> bool:
    """Whether words of ASCII letters are learned too.

    `auto` leaves them out where most letters of the corpus are of another script: English and code
    are then cut as before.
    """
    if which != "auto":
        return which == "all"
    step = max(1, len(lines) // SAMPLE)
    sample = "\n".join(lines[::step])
    return 2 * len(LATIN.findall(sample)) >= len(LETTER.findall(sample))


def repeated(words: Mapping[str, int]) -> Iterator[str]:
    """Each as often as it stands in the corpus, a thousand at a time, for a trainer to read."""
    for word, count in words.items():
        for start in range(0, count, 1000):
            yield f"{word} " * min(1000, count - start)
