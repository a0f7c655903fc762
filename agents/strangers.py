"""Questions of a workspace -> questions of the same form that nothing in it is about.

    What is the trade of Quill?   ->   What is the garden of piano?
    羽生的职业是什么？             ->   火箭的邻居是什么？

The words that name something are exchanged for ordinary ones; the others stay where they are.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from workbench.language import CJK, language_of
from workbench.ordinary import FUNCTION_SIGNS, ordinary_words, rarity

WORDS = 10  # of a stranger; people type about eight
SIGNS = 16  # of a Chinese one
FIRST_RANK = 170  # function words are more frequent than the first word that names something
TOGETHER = re.compile(f"[{CJK}]+")
SPACED = re.compile(r"[^\W_]+")


def make_strangers(
    samples: Sequence[str], language: str, count: int, chance: random.Random
) -> list[str]:
    """So many strangers in the form of the samples of that language; none without such samples."""
    forms = [text for text in samples if language_of(text) == language]
    if not forms:
        return []
    return [_exchange(chance.choice(forms), language, chance) for _ in range(count)]


def _exchange(text: str, language: str, chance: random.Random) -> str:
    if language == "zh":
        return TOGETHER.sub(lambda run: _exchange_signs(run[0], chance), text[:SIGNS])
    short = " ".join(text.split()[:WORDS])
    return SPACED.sub(lambda word: _exchange_word(word[0], chance), short)


def _exchange_word(word: str, chance: random.Random) -> str:
    return _ordinary("en", chance) if rarity(word.lower()) else word


def _exchange_signs(run: str, chance: random.Random) -> str:
    """Each two signs that name something become one ordinary word."""
    made = ""
    naming = 0
    for sign in run:
        if sign in FUNCTION_SIGNS:
            made += sign
            naming = 0
            continue
        if naming % 2 == 0:
            made += _ordinary("zh", chance)
        naming += 1
    return made


def _ordinary(language: str, chance: random.Random) -> str:
    """A word as often as general text has it: by Zipf's law, the n-th one 1/n as often."""
    known = ordinary_words(language)
    first = FIRST_RANK
    rank = first * ((len(known) + first) / first) ** chance.random()
    return known[min(int(rank) - first, len(known) - 1)]
