"""Two answers -> how many words they share; a pattern -> how many answers have its form."""

from __future__ import annotations

import re
from collections import Counter

from workbench.errors import InvalidInput
from workbench.language import CJK
from workbench.messages import say

WORD = re.compile(rf"[{CJK}]|[^\W{CJK}]+")  # a Chinese character counts as a word


def shared_words(answer: str, reference: str) -> float:
    """F1 of the words of both, from 0 to 1, as SQuAD counts it (Rajpurkar et al. 2016)."""
    said = Counter(WORD.findall(answer.casefold()))
    wanted = Counter(WORD.findall(reference.casefold()))
    same = (said & wanted).total()
    if not same:
        return 0.0
    precision = same / said.total()
    recall = same / wanted.total()
    return 2 * precision * recall / (precision + recall)


def read_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern; its dot matches any character of one line. Raises InvalidInput."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InvalidInput(
            say("The pattern cannot be read: {error}", error=error),
            "Correct --pattern, a regular expression of Python.",
        ) from error


def groups_in(pattern: re.Pattern[str], text: str) -> tuple[str | None, ...] | None:
    """The texts of the pattern's groups in an answer; None where it has another form."""
    found = pattern.search(text.strip())
    return found.groups() if found else None
