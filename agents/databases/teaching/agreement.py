"""A question and a query for it -> where the two do not agree: a writer that never saw the schema is held to that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from agents.databases.guard.guard import check, parse
from agents.databases.introspect import SAMPLES
from agents.databases.naming import pieces
from agents.databases.schema import Column, Schema, Table
from agents.databases.teaching.nouns import nouns
from agents.databases.teaching.subjects import DAY, TIME
from workbench.language import language_of

Item = tuple[str, str]  # (table, column), or (table, "")
MANY = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "ten": 10,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "十": 10,
}
COUNTED = re.compile(
    rf"\b({'|'.join(word for word in MANY if word.isascii())})\b|前?([二两三四五十])(?=[条个名]|的|$)"
)
AVERAGE = re.compile(r"\b(?:average|mean)\b|平均")
MOST = re.compile(
    r"(?<!at )\b(?:most|highest|largest|biggest|maximum|best|top)\b|最[多高大]|从高到低"
)
LEAST = re.compile(
    r"(?<!at )\b(?:fewest|least|lowest|smallest|minimum|worst)\b|最[少低小]|从低到高"
)
HOURS = re.compile(r"\bhour(?:s|ly)?\b|\btime of (?:the )?day\b|时段|小时|几点|钟点")
DAYS = re.compile(
    r"\bdays?\b|\bdaily\b|\btrend\b|\btime\b|\bwhen\b|[每哪各按]一?[天日]|那天|日期|趋势|走势|变化"
)


def differences(
    question: str, sql: str, schema: Schema, values: Iterable[str], ignored: frozenset[str]
) -> list[str]:
    """Names, values and numbers that only the question or only the query has; empty where the two agree.

    `values` are those that the database is known to hold, `ignored` are words that name nothing. Raises Refused.
    """
    from sqlglot import exp

    verdict = check(sql, schema)
    tree = parse(verdict.sql, schema.dialect)
    literals = {str(literal.this).casefold() for literal in tree.find_all(exp.Literal)}
    text = question.casefold()
    numbers = set(re.findall(r"\d+", text))
    found = [
        value
        for value in _compared(tree)
        if value not in numbers and (value.isdecimal() or value.casefold() not in text)
    ]
    found += [
        value
        for column, value in _placed(tree)
        if _is_elsewhere(column, value, schema, verdict.tables)
    ]
    for value in sorted({value.casefold() for value in values}, key=len, reverse=True):
        if value in text and not value.isdecimal():
            text = text.replace(value, " ")
            found += [value] if value not in literals else []
    found += [number for number in re.findall(r"\d+", text) if number not in literals]
    items = {*((table, "") for table in verdict.tables), *verdict.columns}
    named: set[Item] = set()
    for noun, meant in _named(text, schema, ignored):
        named |= meant
        # "activations" that are counted in a column are that column, not the rows of their table
        wanted = {item for item in meant if item[1]} or meant
        found += [noun] if not wanted & items else []
    found += _unlike(text, tree)
    return found + [
        column
        for table, column in _computed(tree, schema)
        if not {(table, column), (table, "")} & named
    ]


def _unlike(text: str, tree: Any) -> Iterator[str]:
    """The words for an average, an order, a time or a number of rows that the query does not do, or the other way round."""
    from sqlglot import exp

    orders = [bool(ordered.args.get("desc")) for ordered in tree.find_all(exp.Ordered)]
    starts = {
        str(cut.args["start"].this) for cut in tree.find_all(exp.Substring) if cut.args.get("start")
    }
    hours = "12" in starts or tree.find(exp.Extract) is not None
    days = "1" in starts or any(str(cast.to) == "DATE" for cast in tree.find_all(exp.Cast))
    most, least, by_hour = MOST.search(text), LEAST.search(text), HOURS.search(text)
    by_day = None if by_hour else DAYS.search(text)
    done = {
        "AVG": (AVERAGE.search(text), tree.find(exp.Avg) is not None),
        "HOUR": (by_hour, hours),
        "DAY": (by_day, days),
    }
    for name, (asked, does) in done.items():
        if bool(asked) != does:
            yield asked[0] if asked else name
    if most and not least and not (True in orders or tree.find(exp.Max)):
        yield most[0]
    if least and not most and not (False in orders or tree.find(exp.Min)):
        yield least[0]
    if not least and any(_rises(ordered, tree) for ordered in tree.find_all(exp.Ordered)):
        yield "ASC"
    limit = tree.args["limit"].expression.this
    for word in COUNTED.finditer(text):
        if str(MANY[word[1] or word[2]]) != str(limit):
            yield word[0]


def _rises(ordered: Any, tree: Any) -> bool:
    """Whether rows are put in the rising order of a figure, and not just of a name or a day."""
    from sqlglot import exp

    aliased = {item.alias: item.this for item in tree.expressions if isinstance(item, exp.Alias)}
    figure = aliased.get(ordered.this.name, ordered.this)
    figure = figure.this if isinstance(figure, exp.Round) else figure
    number = isinstance(figure, exp.AggFunc) or (
        isinstance(figure, exp.Cast) and str(figure.to) != "DATE"
    )
    return number and not ordered.args.get("desc")


def _compared(tree: Any) -> Iterator[str]:
    """The values that rows are chosen by."""
    from sqlglot import exp

    for literal in tree.find_all(exp.Literal):
        if isinstance(literal.parent, exp.Predicate):
            yield str(literal.this)


def _placed(tree: Any) -> Iterator[tuple[str, str]]:
    """(column, value) of each equation."""
    from sqlglot import exp

    for equation in tree.find_all(exp.EQ):
        if isinstance(equation.this, exp.Column) and isinstance(equation.expression, exp.Literal):
            yield equation.this.name, str(equation.expression.this)


def _is_elsewhere(name: str, value: str, schema: Schema, tables: Iterable[str]) -> bool:
    """Whether another column is known to hold the value, and this one, all of whose values are known, is not."""
    columns = [
        column for table in schema.tables for column in table.columns if value in column.samples
    ]
    here = [column for table in tables if (column := schema.by_name[table].by_name.get(name))]
    return (
        bool(columns)
        and bool(here)
        and all(value not in c.samples and len(c.samples) < SAMPLES for c in here)
    )


def _computed(tree: Any, schema: Schema) -> set[Item]:
    """The columns that are counted, summed or grouped by; times are meant by many words that are not their names."""
    from sqlglot import exp

    columns = {
        column.name
        for node in tree.find_all(exp.AggFunc, exp.Group)
        for column in node.find_all(exp.Column)
        if isinstance(column.this, exp.Identifier)
    }
    used = [schema.find(node.name, node.db) for node in tree.find_all(exp.Table)]
    return {
        (table.name, column.name)
        for table in used
        if table
        for column in table.columns
        if column.name in columns and not is_time(column)
    }


def _named(text: str, schema: Schema, ignored: frozenset[str]) -> Iterator[tuple[str, set[Item]]]:
    """Each name in the text, the longest first, and all that it may mean."""
    meant: dict[str, set[Item]] = {}
    for table in schema.tables:
        for noun in _nouns(table):
            meant.setdefault(noun, set()).add((table.name, ""))
        for column in table.columns:
            for noun in [] if is_time(column) else _nouns(column):
                meant.setdefault(noun, set()).add((table.name, column.name))
    left = text
    words = pieces(text)
    for noun in sorted(meant, key=len, reverse=True):
        parts = pieces(noun)
        if not set(parts) - ignored:
            continue
        if language_of(noun) == "zh" and noun in left:
            left = left.replace(noun, " ")
            yield noun, meant[noun]
        elif language_of(noun) == "en" and parts and set(parts) <= set(words):
            words = [word for word in words if word not in parts]
            yield noun, meant[noun]


def _nouns(item: Table | Column) -> set[str]:
    return {noun.casefold() for language in ("en", "zh") for noun in nouns(item, language)}


def is_time(column: Column) -> bool:
    return bool(TIME.search(column.type)) or (
        bool(column.samples) and all(DAY.match(sample) for sample in column.samples)
    )
