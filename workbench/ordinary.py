"""A word -> how far it is from ordinary speech, before any workspace is looked at.

Function words say nothing about what a question is about, and a person's name says nearly all of
it. wordfreq (Speer 2022) knows how frequent a word is in general English and Chinese text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from workbench.language import CJK

FUNCTION_SHARE = 0.5  # of the logarithm of the rank: of 29,000 words the first 170 weigh nothing
# where a Chinese, Japanese or Korean pair of signs has no other, it joins words and names nothing
FUNCTION_SIGNS = frozenset(
    "的了吗呢吧啊呀么嘛着过得地所之"
    "我你您他她它咱们自己这那此其哪谁什怎几多少些每各某"
    "是有在和与或及但而就都也还又再才只很太最更比"
    "不没无别个条次位种件项于以从到对向把被让给为因将由按"
    "能可会做要想应该必须请问帮看说想知道告诉一下上里中外前后时候样"
)
WRITTEN_TOGETHER = re.compile(f"[{CJK}]+")


def rarity(word: str) -> float:
    """0 for a function word, a number or a lone letter, 1 for a word that general text lacks."""
    if word.isdecimal() or (len(word) == 1 and word.isascii()):
        return 0.0
    if not WRITTEN_TOGETHER.fullmatch(word):
        share = max(_share(word, "en") - FUNCTION_SHARE, 0.0)
        return share / (1 - FUNCTION_SHARE)
    if FUNCTION_SIGNS.issuperset(word):
        return 0.0
    return _share(word, "zh")


def joins_by_accident(word: str) -> bool:
    """Whether a pair of signs is no word of general text: the end of one and the begin of another.

    A name is such a pair too, but then a text of the workspace has it.
    """
    return bool(WRITTEN_TOGETHER.fullmatch(word)) and rarity(word) == 1.0


@lru_cache(maxsize=2)
def ordinary_words(language: str) -> Sequence[str]:
    """Words that name something, the most frequent ones first."""
    found = []
    for word in _ranks(language):
        if word.isalpha() and len(word) > 1 and rarity(word):
            found.append(word)
    return found


def _share(word: str, language: str) -> float:
    """Logarithm of the word's rank as a share of the last one's, 1 for a word without a rank."""
    ranks = _ranks(language)
    rank = ranks.get(word, len(ranks) + 1)
    return math.log(rank) / math.log(len(ranks) + 1)


@lru_cache(maxsize=2)
def _ranks(language: str) -> Mapping[str, int]:
    """Word -> its place by frequency, from 1."""
    from wordfreq import get_frequency_dict

    return {word: rank for rank, word in enumerate(get_frequency_dict(language, "small"), 1)}
