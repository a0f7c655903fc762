"""The rules of growth that need a number of the query: how often, how wide, how many rows.

Each gives a size from the node, the sizes of its arguments in their order, and the rows of the
SELECT that the node stands in. A number that nobody knows makes the size infinite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from agents.databases.guard.growth import CHARACTER, ELEMENT, FIXED, NUMBER, Size

PER_SPECIFIER = 350  # bytes of the longest number that a format writes
SERIES = 10_000  # elements of a series whose bounds the query does not show
CAPPED = 10_000_000  # bytes that a text of many rows counts as in what is made of it
MYSQL_CAPPED = 1_000_000  # where the server itself cuts it
UNBOUNDED = Size(float("inf"), float("inf"))

ByNumber = Callable[[Any, Sequence[Size], float], Size]


def _times(size: float, count: float) -> float:
    return size * count if size else 0.0  # nothing, as often as one likes, is nothing


def _replaced(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    """The shorter the needle, the more often it is found: a column's value may be one character."""
    needle = _arguments(node)[1]
    shortest = float(len(needle.name.encode()) or 1) if needle.is_string else 1.0
    source, becomes = sizes[0], sizes[2] if len(sizes) > 2 else Size(0, 0)
    return Size(
        source.longest * max(1.0, becomes.longest / shortest),
        source.usual * max(1.0, becomes.usual / shortest),
    )


def _repeated(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    text, count = sizes[0], sizes[1].number
    return Size(_times(text.longest, count), _times(text.usual, count))


def _padded(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    width = CHARACTER * sizes[1].number
    return Size(max(sizes[0].longest, width), max(sizes[0].usual, width))


def _spaced(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    return Size(2 * sizes[0].number, 2 * sizes[0].number)


def _cut(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    """Without a length, as in `substr(text, 3)`, the text may stay whole."""
    from sqlglot import exp

    has_length = isinstance(node, exp.Left | exp.Right) or len(sizes) == 3
    most = CHARACTER * sizes[-1].number if has_length else float("inf")
    return Size(min(sizes[0].longest, most), min(sizes[0].usual, most))


def _formatted(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    """Widths stand in the format as digits; a `*` takes them from an argument."""
    form = _arguments(node)[0]
    if not form.is_string or "*" in form.name:
        return UNBOUNDED
    text = form.name
    widths = sum(int(digits[:12]) for digits in re.findall(r"\d+", text))
    specifiers = text.count("%") + text.count("{")
    room = widths + PER_SPECIFIER * specifiers
    longest = 2 * sum(size.longest for size in sizes) + room
    return Size(longest, 2 * sum(size.usual for size in sizes) + widths + ELEMENT * specifiers)


def _gathered(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    """All rows' values as one. All groups together hold the query's rows, so each has its share.

    In a window each row has all of them.
    """
    from sqlglot import exp

    together = rows * (sum(size.usual for size in sizes) + ELEMENT)
    together = max(together, *[size.longest for size in sizes], ELEMENT)
    windowed = isinstance(node.parent, exp.Window)
    return Size(together, together if windowed else together / rows)


def capped(size: Size, dialect: str) -> Size:
    """What a text of many rows counts as in what is made of it: one group's part of them."""
    most = MYSQL_CAPPED if dialect == "mysql" else CAPPED
    return Size(min(size.longest, most), min(size.usual, most))


def _counted(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    count = sum(size.number for size in sizes[:2])
    if count == float("inf"):
        count = SERIES
    return Size(ELEMENT * count + NUMBER, ELEMENT * count + NUMBER, count)


def _applied(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    """A function of each element: of the whole list at once, and what it adds to each."""
    if len(sizes) < 4:
        return UNBOUNDED
    elements, whole, empty, _ = sizes[:4]
    each = empty.longest + ELEMENT
    usual = empty.usual + ELEMENT
    return Size(
        whole.longest + elements.longest / ELEMENT * each,
        whole.usual + elements.usual / ELEMENT * usual,
    )


def _reduced(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    """A function fed with its own result: what it adds to it may be added for each element."""
    if len(sizes) < 4:
        return UNBOUNDED
    elements, whole, empty, first = sizes[0], *sizes[-3:]
    added = first.longest - elements.longest
    if added > elements.longest / 2 + NUMBER + empty.longest:
        return UNBOUNDED
    grown = whole.longest + elements.longest / ELEMENT * max(added, 0)
    return Size(grown, min(grown, whole.usual * 2))


def _typed(node: Any, sizes: Sequence[Size], rows: float) -> Size:
    """A cast to text keeps the length, or cuts it; another type writes it in its own form."""
    from sqlglot import exp

    kind, source = node.args["to"], sizes[0]
    if kind.this in exp.DataType.TEXT_TYPES:
        length = kind.expressions[0].name if kind.expressions else ""
        most = CHARACTER * float(length) if length.isdecimal() else float("inf")
        return Size(min(max(source.longest, NUMBER), most), min(source.usual + ELEMENT, most))
    if kind.this in exp.DataType.NUMERIC_TYPES or kind.this in exp.DataType.TEMPORAL_TYPES:
        return FIXED
    return Size(2 * source.longest + NUMBER, 2 * source.usual + ELEMENT)


def _arguments(node: Any) -> list[Any]:
    return list(node.iter_expressions())


BY_NUMBER: dict[str, ByNumber] = {
    "replaced": _replaced,
    "repeated": _repeated,
    "padded": _padded,
    "spaced": _spaced,
    "cut": _cut,
    "formatted": _formatted,
    "gathered": _gathered,
    "counted": _counted,
    "applied": _applied,
    "reduced": _reduced,
    "typed": _typed,
}
