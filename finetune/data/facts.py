"""Examples -> the fact that each teaches, so that a fact's wordings stay together."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from finetune.data.examples import Example

BETWEEN = re.compile(r"[\W_]+")
# Jaccard similarity of character pairs from which two questions with one answer ask for one fact
ALIKE = 0.4
# each question is compared with so many before it: the work grows with the square
COMPARED = 400


def normalise(text: str) -> str:
    """Text without case, width, spaces and punctuation: what two writers of a sentence share."""
    wide = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return BETWEEN.sub("", wide.casefold())


def facts_of(examples: Sequence[Example]) -> list[str]:
    """The name of each example's fact: its group, or one for like questions and one answer."""
    by_answer: dict[str, list[int]] = defaultdict(list)
    by_question: dict[str, int] = {}
    parents = list(range(len(examples)))
    for place, example in enumerate(examples):
        if example.group:
            continue
        question = normalise(" ".join(example.questions))
        first = by_question.setdefault(question, place)
        parents[place] = first
        if first == place:
            by_answer[normalise(example.answer)].append(place)
    for answer, places in by_answer.items():
        if answer and len(places) > 1:
            _join_alike(places, examples, parents)
    # the space keeps these names apart from the groups of the data
    return [example.group or f" {_root(place, parents)}" for place, example in enumerate(examples)]


def _join_alike(places: Sequence[int], examples: Sequence[Example], parents: list[int]) -> None:
    """Join those of the places whose questions share enough character pairs (union-find)."""
    pairs = [_pairs(" ".join(examples[place].questions)) for place in places]
    for later, place in enumerate(places):
        for earlier in range(max(0, later - COMPARED), later):
            shared = len(pairs[later] & pairs[earlier])
            union = len(pairs[later]) + len(pairs[earlier]) - shared
            if shared >= ALIKE * union:
                parents[_root(place, parents)] = _root(places[earlier], parents)


def _pairs(text: str) -> frozenset[str]:
    letters = normalise(text)
    pairs = frozenset(letters[at : at + 2] for at in range(len(letters) - 1))
    return pairs or frozenset(letters)


def _root(place: int, parents: list[int]) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place
