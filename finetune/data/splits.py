"""Examples -> a part to train on and one to measure on; the questions that two sets share."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from finetune.data.examples import Example, LearnedRow
from finetune.data.facts import facts_of, normalise
from workbench.errors import InvalidInput
from workbench.messages import say

HoldOut = Literal["facts", "paraphrases"]
Row = TypeVar("Row", bound=LearnedRow)


@dataclass(frozen=True, slots=True)
class Overlap:
    """A question of the test set that is also taught: exactly, or but for case and punctuation."""

    train: str
    test: str
    kind: Literal["exact", "normalised"]


def split(
    examples: Sequence[Row], share: float, seed: int, hold_out: HoldOut = "facts"
) -> tuple[list[Row], list[Row]]:
    """Training part and held-out part, in their order; the same seed gives the same parts.

    "facts": all wordings of a fact are on one side. "paraphrases": every fact is taught, some
    wordings are held out. Raises InvalidInput for a share outside 0 to 1.
    """
    if not 0 <= share < 1:
        raise InvalidInput(
            say("A share of {share} cannot be held out.", share=share),
            "Give a number from 0 up to below 1, such as 0.1.",
        )
    facts: dict[str, list[int]] = defaultdict(list)
    for place, fact in enumerate(facts_of([example.dialogue for example in examples])):
        facts[fact].append(place)
    groups = list(facts.values())
    shuffled = random.Random(seed)  # noqa: S311 - a split needs no secret
    shuffled.shuffle(groups)
    if hold_out == "facts":
        held = _hold_facts(groups, share * len(examples))
    else:
        held = _hold_wordings(groups, share, shuffled)
    train = [example for place, example in enumerate(examples) if place not in held]
    return train, [examples[place] for place in sorted(held)]


def overlap(train: Sequence[LearnedRow], test: Sequence[LearnedRow]) -> list[Overlap]:
    """Every example of `test` whose questions are taught in `train`, with one such place."""
    exact: dict[tuple[str, ...], str] = {}
    alike: dict[str, str] = {}
    for row in train:
        example = row.dialogue
        exact.setdefault(example.questions, example.where)
        alike.setdefault(_key(example), example.where)
    found = []
    for row in test:
        example = row.dialogue
        key = _key(example)
        if example.questions in exact:
            found.append(Overlap(exact[example.questions], example.where, "exact"))
        elif key and key in alike:
            found.append(Overlap(alike[key], example.where, "normalised"))
    return found


def _key(example: Example) -> str:
    return normalise(" ".join(example.questions))


def _hold_facts(groups: Sequence[Sequence[int]], wanted: float) -> set[int]:
    """Whole groups while they bring the number nearer to `wanted`; one group at least is taught."""
    held: set[int] = set()
    for group in groups[:-1]:
        if abs(len(held) + len(group) - wanted) < abs(len(held) - wanted):
            held.update(group)
    return held


def _hold_wordings(
    groups: Sequence[Sequence[int]], share: float, chance: random.Random
) -> set[int]:
    """The share of each fact's wordings, never all of them.

    What is less than one wording carries over to the next fact.
    """
    held: set[int] = set()
    owed = 0.0
    for group in groups:
        if len(group) == 1:
            continue
        owed += share * len(group)
        take = min(int(owed + 1e-9), len(group) - 1)  # ten times 0.1 is a little less than 1
        owed -= take
        held.update(chance.sample(group, take))
    return held
