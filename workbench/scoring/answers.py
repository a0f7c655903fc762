"""An answer and its reference, two texts -> how far the answer says what the reference says.

Every figure is from 0 to 1. The thinking of both is dropped first.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from workbench.language import CJK, simplified
from workbench.models.reasoning import answer_only
from workbench.scoring.amounts import Amount, amounts, without_amounts
from workbench.scoring.names import names

# a Chinese character, a number with its sign, or the letters that stand together
WORD = re.compile(
    rf"[{CJK}]|(?:(?<!\w)[-−])?(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)*)|[^\W\d_{CJK}]+"
)


def split_words(text: str) -> list[str]:
    """The words without case, width and punctuation; a Chinese character counts as a word.

    Traditional characters become simplified ones, and 1,000 becomes 1000.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    found = WORD.findall(simplified(folded))
    return [word.replace(",", "").replace("−", "-") for word in found]


def normalised(text: str) -> str:
    """The words with a space between them: the same for texts that differ in how they are set."""
    return " ".join(split_words(text))


def exact(answer: str, reference: str) -> float:
    """1 where both are the same, sign for sign."""
    return float(answer_only(answer) == answer_only(reference))


def contains(answer: str, reference: str) -> float:
    """1 where the answer has the reference's words, one after the other."""
    wanted = normalised(answer_only(reference))
    said = normalised(answer_only(answer))
    if not wanted:  # signs alone, such as "→"
        return exact(answer, reference)
    return float(f" {wanted} " in f" {said} ")


def numbers_and_names(answer: str, reference: str) -> float:
    """1 where all numbers and names of the reference stand in the answer, numbers in their unit.

    A unit may be left out. A reference without numbers and names has to be contained.
    """
    wanted = answer_only(reference)
    said = answer_only(answer)
    figures = amounts(wanted)
    named = names(without_amounts(wanted), doubtful=False)
    if not figures and not named:
        return contains(answer, reference)
    known = amounts(said)
    words = f" {normalised(said)} "
    has_numbers = all(any(_is_same(figure, one) for one in known) for figure in figures)
    has_names = all(f" {normalised(name)} " in words for name in named)
    return float(has_numbers and has_names)


def holds_facts(text: str) -> bool:
    """Whether numbers or names stand in it."""
    said = answer_only(text)
    return bool(amounts(said) or names(without_amounts(said), doubtful=False))


def shared_words(answer: str, reference: str) -> float:
    """F1 of the words of both, as SQuAD counts it (Rajpurkar et al. 2016)."""
    said = Counter(split_words(answer_only(answer)))
    wanted = Counter(split_words(answer_only(reference)))
    same = (said & wanted).total()
    if not same:
        return 0.0
    precision = same / said.total()
    recall = same / wanted.total()
    return 2 * precision * recall / (precision + recall)


def _is_same(wanted: Amount, said: Amount) -> bool:
    same_unit = wanted.unit == said.unit or "" in (wanted.unit, said.unit)
    return same_unit and wanted.value == said.value
