"""The rules of growth: sizes of a function's arguments -> the size of what it gives.

`growth.toml` says which function grows by which rule. Sizes are bytes. Where a rule needs a number
that stands in the query, such as how often a text is repeated, the walk of `sizes.py` finds it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

NUMBER = 64  # bytes that a number or a date takes as text
ELEMENT = 16  # bytes that an element of a list takes beside its value
CHARACTER = 4  # bytes of the longest character


@dataclass(frozen=True)
class Size:
    """`longest` is what one value can take, `usual` what most take: a sum of rows counts those.

    `number` is the largest number that it can be, as far as that is known.
    """

    longest: float
    usual: float
    number: float = float("inf")


FIXED = Size(NUMBER, ELEMENT)
# what a rule computes from the sizes of the arguments, in their order
Rule = Callable[[Sequence[float]], float]


def _rewritten(sizes: Sequence[float]) -> float:
    """Source, pattern and replacement, which stands at each character and may repeat the match.

    Two characters of a replacement stand for a match, and all matches together are the source.
    """
    source, _, becomes = (*sizes, 0.0, 0.0)[:3]
    return (source + 1) * (1 + 2 * becomes)


def _joined(sizes: Sequence[float]) -> float:
    whole, *between = sizes
    return whole + whole / ELEMENT * sum(between)


RULES: dict[str, Rule] = {
    "longest": lambda sizes: max(sizes, default=NUMBER),
    "sum": lambda sizes: sum(sizes) + ELEMENT * len(sizes),
    "doubled": lambda sizes: 2 * sum(sizes) + ELEMENT * len(sizes),
    "many": lambda sizes: 10 * sum(sizes) + NUMBER,
    "listed": lambda sizes: 2 * ELEMENT * sum(sizes) + NUMBER,
    "joined": _joined,
    "rewritten": _rewritten,
    "unknown": lambda sizes: 8 * sum(sizes) + NUMBER,
}


def grown(rule: str, sizes: Sequence[Size]) -> Size:
    """What a function of that rule gives, at the longest and as a rule."""
    compute = RULES[rule]
    longest = compute([size.longest for size in sizes])
    return Size(longest, min(longest, compute([size.usual for size in sizes])))


@lru_cache(maxsize=1)
def _rules_by_name() -> dict[str, str]:
    tables = tomllib.loads(Path(__file__).with_name("growth.toml").read_text("utf-8"))
    return {name: rule for rule, row in tables.items() for name in row["names"].split()}


def rule_of(node: Any) -> str:
    """The rule by which a node's value grows."""
    from sqlglot import exp

    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        return _rules_by_name().get(node.name.lower(), "unknown")
    return _rules_by_name().get(type(node).__name__, "unknown")
