"""An expression -> the largest number that it can be, as far as the query shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from agents.databases.guard.growth import Size

UNKNOWN_NUMBER = float("inf")
PART_OF_TIME = 10_000  # no year is greater


def _divided(sizes: Sequence[Size]) -> float:
    """By a number below one a quotient grows; only a column or a fraction can be that small."""
    return sizes[0].number * 1_000


def _product(sizes: Sequence[Size]) -> float:
    if 0 in (sizes[0].number, sizes[1].number):
        return 0
    return sizes[0].number * sizes[1].number


def _greatest(sizes: Sequence[Size]) -> float:
    return max((size.number for size in sizes), default=UNKNOWN_NUMBER)


RULES: list[tuple[str, Callable[[Sequence[Size]], float]]] = [
    (
        """Paren Neg Abs Round Floor Ceil Trunc Alias Coalesce Nullif Greatest Min Max Avg Median
        Cast TryCast Filter Distinct Ordered Window AnyValue First Last Lag Lead Mode Sqrt
        ifnull nvl""",
        _greatest,
    ),
    ("Add Sub", lambda sizes: sum(size.number for size in sizes)),
    ("Least Mod BitwiseAnd", lambda sizes: min(size.number for size in sizes)),
    ("Div IntDiv", _divided),
    ("Mul", _product),
    (
        "Length StrPosition ArraySize char_length character_length instr strpos len",
        lambda sizes: max(size.longest for size in sizes),
    ),
    (
        "Extract Year Month Day Hour Minute Second Quarter Week DayOfWeek DayOfYear",
        lambda sizes: PART_OF_TIME,
    ),
]
NUMBERS = {name: rule for names, rule in RULES for name in names.split()}
COUNTS = ("Count", "CountIf", "RowNumber", "Rank", "DenseRank", "Ntile")


def largest_number(node: Any, sizes: Sequence[Size], rows: float) -> float:
    """From the sizes of the arguments, and the rows that an aggregate counts or adds up."""
    kind = type(node).__name__
    if kind == "Anonymous":
        kind = node.name.lower()
    if kind in COUNTS:
        return rows
    if kind == "Sum":
        return rows * _greatest(sizes)
    if kind in ("Case", "If"):
        return _greatest(_results(node, sizes))
    compute = NUMBERS.get(kind)
    return compute(sizes) if compute and sizes else UNKNOWN_NUMBER


def _results(node: Any, sizes: Sequence[Size]) -> list[Size]:
    """The sizes of what a CASE or an IF gives, without its conditions."""
    conditions = {id(node.this)} if node.this is not None else set()
    parts = list(node.iter_expressions())
    return [size for part, size in zip(parts, sizes, strict=False) if id(part) not in conditions]
