"""Rows of multiple choice -> the letters that each offers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from finetune.data.examples import Example

OPTION = re.compile(r"^([A-J])[.．、)]", re.M)


def by_options(examples: Sequence[Example], numbers: Sequence[int]) -> dict[str, list[int]]:
    """The letters that rows offer -> the numbers of those rows.

    A row offers options where its answer is one of them.
    """
    found: dict[str, list[int]] = {}
    for number in numbers:
        example = examples[number]
        letters = "".join(dict.fromkeys(OPTION.findall(example.questions[-1])))
        if len(letters) > 1 and example.answer.strip() in set(letters):
            found.setdefault(letters, []).append(number)
    return found
