"""A question and a query for it -> where they disagree, which shows that the query is not for it.

A small writer never sees the schema, so its queries are held to their questions:

    a value or number in the query that the question lacks, or the other way round
    a name of a table or column in the question that the query does not use
    a column that the query counts, sums or groups by, and the question does not name
    a word for an average, an order, a time or a number of rows (`signs.py`) without its counterpart
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agents.databases.guard.guard import judge, parse
from agents.databases.introspect import SAMPLES
from agents.databases.naming import pieces
from agents.databases.schema import Column, Schema, TableSchema
from agents.databases.teaching.nouns import nouns
from agents.databases.teaching.signs import unlike
from agents.databases.teaching.subjects import DAY, TIME
from workbench.language import language_of

Item = tuple[str, str]  # (table, column), or (table, "")


@dataclass(frozen=True)
class Name:
    """A name that a text holds, and all that it may mean."""

    noun: str
    meant: frozenset[Item]


def differences(
    question: str, sql: str, schema: Schema, values: Iterable[str], ignored: frozenset[str]
) -> list[str]:
    """What only the question or only the query has, in words; empty where the two agree.

    `values` are known to be in the database, `ignored` are words that name nothing. Raises Refused.
    """
    verdict = judge(sql, schema)
    tree = parse(verdict.sql, schema.dialect)
    asked = question.casefold()
    found = _only_in_query(asked, tree)
    found += _misplaced(tree, schema, verdict.tables)
    rest, missing = _without_values(asked, tree, values)
    found += missing
    names = list(_names(rest, schema, ignored))
    used = {(table, "") for table in verdict.tables} | set(verdict.columns)
    found += _unused(names, used)
    found += unlike(rest, tree)
    found += _unnamed(names, _computed(tree, schema))
    return found


def _only_in_query(asked: str, tree: Any) -> list[str]:
    """The values that the query compares with and the question does not hold."""
    numbers = set(re.findall(r"\d+", asked))
    found = []
    for value in _compared(tree):
        if value in numbers:
            continue
        # 5 is not asked for by "50", so numbers are compared whole
        if value.isdecimal() or value.casefold() not in asked:
            found.append(value)
    return found


def _compared(tree: Any) -> Iterator[str]:
    from sqlglot import exp

    for literal in tree.find_all(exp.Literal):
        if isinstance(literal.parent, exp.Predicate):
            yield str(literal.this)


def _misplaced(tree: Any, schema: Schema, tables: Iterable[str]) -> list[str]:
    """The values that the query looks for in a column that does not have them."""
    from sqlglot import exp

    found = []
    for equation in tree.find_all(exp.EQ):
        column = equation.this
        literal = equation.expression
        if isinstance(column, exp.Column) and isinstance(literal, exp.Literal):
            value = str(literal.this)
            if _is_elsewhere(column.name, value, schema, tables):
                found.append(value)
    return found


def _is_elsewhere(name: str, value: str, schema: Schema, tables: Iterable[str]) -> bool:
    """Whether another column is known to hold the value, and this one is known not to."""
    holding = []
    for table in schema.tables:
        holding += [column for column in table.columns if value in column.samples]
    here = []
    for used in tables:
        column = schema.by_name[used].by_name.get(name)
        if column:
            here.append(column)
    if not holding or not here:
        return False
    # fewer samples than are read: these are all the values that the column has
    return all(value not in column.samples and len(column.samples) < SAMPLES for column in here)


def _without_values(asked: str, tree: Any, values: Iterable[str]) -> tuple[str, list[str]]:
    """The question without its values, and those of them that the query lacks.

    The longest value goes first, as a shorter one may be a part of it.
    """
    from sqlglot import exp

    literals = {str(literal.this).casefold() for literal in tree.find_all(exp.Literal)}
    missing = []
    folded = {value.casefold() for value in values}
    for value in sorted(folded, key=len, reverse=True):
        if value in asked and not value.isdecimal():
            asked = asked.replace(value, " ")
            if value not in literals:
                missing.append(value)
    for number in re.findall(r"\d+", asked):
        if number not in literals:
            missing.append(number)
    return asked, missing


def _names(text: str, schema: Schema, ignored: frozenset[str]) -> Iterator[Name]:
    """Each name of a table or column in the text, the longest first; no part of it counts twice."""
    known = _known_names(schema)
    words = pieces(text)
    for noun in sorted(known, key=len, reverse=True):
        parts = pieces(noun)
        if not set(parts) - ignored:
            continue
        if language_of(noun) == "zh":
            if noun in text:
                text = text.replace(noun, " ")
                yield Name(noun, frozenset(known[noun]))
        elif set(parts) <= set(words):
            words = [word for word in words if word not in parts]
            yield Name(noun, frozenset(known[noun]))


def _known_names(schema: Schema) -> dict[str, set[Item]]:
    """Name -> all that it may mean. Times have none: many words mean them, see `signs.py`."""
    known: dict[str, set[Item]] = {}
    for table in schema.tables:
        for noun in _nouns(table):
            known.setdefault(noun, set()).add((table.name, ""))
        for column in table.columns:
            if is_time(column):
                continue
            for noun in _nouns(column):
                known.setdefault(noun, set()).add((table.name, column.name))
    return known


def _nouns(item: TableSchema | Column) -> set[str]:
    both = [*nouns(item, "en"), *nouns(item, "zh")]
    return {noun.casefold() for noun in both}


def is_time(column: Column) -> bool:
    """By its type, or as text that holds nothing but dates."""
    if TIME.search(column.type):
        return True
    return bool(column.samples) and all(DAY.match(sample) for sample in column.samples)


def _unused(names: Iterable[Name], used: Collection[Item]) -> list[str]:
    """The names in the question that mean nothing of what the query uses."""
    found = []
    for name in names:
        # "activations" that are counted in a column are that column, not the rows of their table
        columns = {item for item in name.meant if item[1]}
        wanted = columns or name.meant
        if not wanted & set(used):
            found.append(name.noun)
    return found


def _unnamed(names: Iterable[Name], computed: set[Item]) -> list[str]:
    """The computed columns that the question names neither themselves nor by their table."""
    named: set[Item] = set()
    for name in names:
        named |= name.meant
    return [column for table, column in computed if not {(table, column), (table, "")} & named]


def _computed(tree: Any, schema: Schema) -> set[Item]:
    """The columns that are counted, summed or grouped by, without times."""
    from sqlglot import exp

    computed: set[str] = set()
    for node in tree.find_all(exp.AggFunc, exp.Group):
        for column in node.find_all(exp.Column):
            if isinstance(column.this, exp.Identifier):
                computed.add(column.name)
    found: set[Item] = set()
    for node in tree.find_all(exp.Table):
        table = schema.find(node.name, node.db)
        if table is None:
            continue
        for column in table.columns:
            if column.name in computed and not is_time(column):
                found.add((table.name, column.name))
    return found
