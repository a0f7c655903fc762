"""A question's words for an average, an order, a time or a size -> those that its query lacks.

most, highest, 最多       ORDER BY … DESC or MAX
fewest, lowest, 最少      ORDER BY … ASC or MIN
average, 平均             AVG
per day, 每天             a time cut to its day
hour of the day, 时段     a time cut to its hour
top three, 前三           LIMIT 3
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}
CHINESE_NUMBERS = {"二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "十": 10}
SIZE = re.compile(rf"\b({'|'.join(NUMBERS)})\b|前?([{''.join(CHINESE_NUMBERS)}])(?=[条个名]|的|$)")
AVERAGE = re.compile(r"\b(?:average|mean)\b|平均")
# "at most" and "at least" are bounds, not orders
MOST = re.compile(
    r"(?<!at )\b(?:most|highest|largest|biggest|maximum|best|top)\b|最[多高大]|从高到低"
)
LEAST = re.compile(
    r"(?<!at )\b(?:fewest|least|lowest|smallest|minimum|worst)\b|最[少低小]|从低到高"
)
HOURS = re.compile(r"\bhour(?:s|ly)?\b|\btime of (?:the )?day\b|时段|小时|几点|钟点")
DAYS = re.compile(
    r"\bdays?\b|\bdaily\b|\btrend\b|\btime\b|\bwhen\b"
    r"|[每哪各按]一?[天日]|那天|日期|趋势|走势|变化"
)
# where a text with a time in ISO 8601 is cut: 2025-01-31 08:00
DAY_STARTS = "1"
HOUR_STARTS = "12"


def unlike(text: str, tree: Any) -> Iterator[str]:
    """The words that the query does not act on, and in capitals what it does without a word."""
    yield from _unlike_figures(text, tree)
    yield from _unlike_orders(text, tree)
    size = str(tree.args["limit"].expression.this)
    numbers = NUMBERS | CHINESE_NUMBERS
    for word in SIZE.finditer(text):
        if str(numbers[word[1] or word[2]]) != size:
            yield word[0]


def _unlike_figures(text: str, tree: Any) -> Iterator[str]:
    """Averages and times: a word without the query's doing, or the other way round."""
    from sqlglot import exp

    hour = HOURS.search(text)
    signs = (
        ("AVG", AVERAGE.search(text), tree.find(exp.Avg) is not None),
        ("HOUR", hour, _cuts_to_hour(tree)),
        ("DAY", None if hour else DAYS.search(text), _cuts_to_day(tree)),
    )
    for name, asked, done in signs:
        if asked and not done:
            yield asked[0]
        elif done and not asked:
            yield name


def _cuts_to_hour(tree: Any) -> bool:
    from sqlglot import exp

    return HOUR_STARTS in _cut_starts(tree) or tree.find(exp.Extract) is not None


def _cuts_to_day(tree: Any) -> bool:
    from sqlglot import exp

    if DAY_STARTS in _cut_starts(tree):
        return True
    return any(str(cast.to) == "DATE" for cast in tree.find_all(exp.Cast))


def _cut_starts(tree: Any) -> set[str]:
    """Where the query's SUBSTRs begin."""
    from sqlglot import exp

    starts = [cut.args.get("start") for cut in tree.find_all(exp.Substring)]
    return {str(start.this) for start in starts if start}


def _unlike_orders(text: str, tree: Any) -> Iterator[str]:
    from sqlglot import exp

    ordered = list(tree.find_all(exp.Ordered))
    falls = any(order.args.get("desc") for order in ordered)
    rises = any(not order.args.get("desc") for order in ordered)
    most = MOST.search(text)
    least = LEAST.search(text)
    # with both words, as in "the most of the lowest", neither says how the result is sorted
    if most and not least and not (falls or tree.find(exp.Max)):
        yield most[0]
    if least and not most and not (rises or tree.find(exp.Min)):
        yield least[0]
    if not least and any(_figure_rises(order, tree) for order in ordered):
        yield "ASC"


def _figure_rises(order: Any, tree: Any) -> bool:
    """Whether a figure is sorted the smallest first; a name or a day may well be."""
    from sqlglot import exp

    if order.args.get("desc"):
        return False
    sorted_by = order.this
    for item in tree.expressions:
        if isinstance(item, exp.Alias) and item.alias == order.this.name:
            sorted_by = item.this
    if isinstance(sorted_by, exp.Round):
        sorted_by = sorted_by.this
    if isinstance(sorted_by, exp.Cast):
        return str(sorted_by.to) != "DATE"
    return isinstance(sorted_by, exp.AggFunc)
