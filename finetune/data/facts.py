"""Examples -> the fact that each of them teaches, so that wordings of one fact can be kept together."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from finetune.data.examples import Example

BETWEEN = re.compile(r"[\W_]+")
ALIKE = 0.4  # Jaccard similarity of character pairs from which two questions with one answer are wordings of one fact
COMPARED = (
    400  # questions of one answer that are compared with each other: the work grows with the square
)


def normalise(text: str) -> str:
    """Text without case, width, spaces and punctuation: what two writers of one sentence share."""
    wide = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return BETWEEN.sub("", wide.casefold())


def facts_of(examples: Sequence[Example]) -> list[str]:
    """A name of each example's fact: its own group, or that of all with the same answer and alike questions."""
    facts = [example.group for example in examples]
    by_answer: dict[str, list[int]] = defaultdict(list)
    by_question: dict[str, int] = {}
    for place, example in enumerate(examples):
        if facts[place]:
            continue
        question = normalise(" ".join(example.questions))
        first = by_question.setdefault(question, place)
        facts[place] = f"#{first}"
        if first == place:
            by_answer[normalise(example.answer)].append(place)
    parents = list(range(len(examples)))
    for answer, places in by_answer.items():
        if answer and len(places) > 1:
            _join_alike(places, examples, parents)
    return [f"#{_root(int(fact[1:]), parents)}" if fact.startswith("#") else fact for fact in facts]


def _join_alike(places: Sequence[int], examples: Sequence[Example], parents: list[int]) -> None:
    pairs = [_pairs(" ".join(examples[place].questions)) for place in places]
    for later, place in enumerate(places):
        for earlier in range(max(0, later - COMPARED), later):
            shared = len(pairs[later] & pairs[earlier])
            if shared >= ALIKE * (len(pairs[later]) + len(pairs[earlier]) - shared):
                parents[_root(place, parents)] = _root(places[earlier], parents)


def _pairs(text: str) -> frozenset[str]:
    letters = normalise(text)
    return frozenset(letters[at : at + 2] for at in range(len(letters) - 1)) or frozenset(letters)


def _root(place: int, parents: list[int]) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place
