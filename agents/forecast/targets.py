"""A source's schema and a question -> which table, moments, numbers and groups are its series."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.databases.analyst import NOT_SUMMED
from agents.databases.figures import DATED, IDENTIFIER, as_number
from agents.databases.schema import Column, Schema, TableSchema
from workbench.language import language_of, words

NUMERIC_TYPE = re.compile(r"int|real|float|double|numeric|decimal|number", re.I)


@dataclass(frozen=True)
class Label:
    """A column that tells series apart: of the table itself, or of another that it points to.

    `said` is what the question calls it.
    """

    column: str
    said: str
    other: str = ""
    key: str = ""
    other_key: str = ""


@dataclass(frozen=True)
class Target:
    """One column of numbers over time."""

    table: TableSchema
    time: str
    column: Column
    group: Label | None = None

    @property
    def averaged(self) -> bool:
        """Whether several rows of a moment are averaged: rates and prices have no sum."""
        return bool(NOT_SUMMED.search(self.column.name.lower()))


def all_targets(schema: Schema) -> Iterator[Target]:
    """Every column of numbers in a table with moments."""
    for table in schema.tables:
        time = _time_of(table)
        if not time:
            continue
        for column in table.columns:
            if column.name != time and _holds_numbers(column):
                yield Target(table, time, column)


def find_target(question: str, schema: Schema) -> Target | None:
    """The target whose words the question has most of; None where it has none."""
    asked = set(words(question))
    best: tuple[float, Target] | None = None
    for target in all_targets(schema):
        own = len(asked & column_words(target.column))
        near = len(asked & table_words(target.table))
        score = own + 0.5 * near
        if score and (best is None or score > best[0]):
            best = (score, target)
    return best[1] if best else None


def find_label(name: str, target: Target, schema: Schema) -> Label | None:
    """The column that tells such things apart; a name of the other table before its number."""
    asked = set(words(name)) | {word.removesuffix("s") for word in words(name)}
    for key in target.table.foreign_keys:
        other = schema.table(key.other_table)
        near = table_words(other) if other else set()
        singular = near | {word.removesuffix("s") for word in near}
        if other and asked & singular:
            named = _name_of(other)
            if named:
                return Label(named, name, other.name, key.column, key.other_column)
    for column in target.table.columns:
        known = column_words(column)
        if column.name not in (target.time, target.column.name) and asked & known:
            return Label(column.name, name)
    return None


def series_query(target: Target, schema: Schema) -> tuple[str, tuple[str, ...]]:
    """(one SELECT of moments, groups and numbers, summed; the columns of the groups)."""
    from sqlglot import exp

    def named(column: str, table: str) -> Any:
        return exp.column(column, table=table, quoted=True)

    value: Any = named(target.column.name, "t")
    if not NUMERIC_TYPE.search(target.column.type):
        value = exp.cast(value, "double")
    total = exp.Avg(this=value) if target.averaged else exp.Sum(this=value)
    keys = [named(target.time, "t")]
    label = target.group
    if label:
        keys.append(named(label.column, "g" if label.other else "t"))
    query = exp.select(
        *[key.as_(key.name, quoted=True) for key in keys],
        total.as_(target.column.name, quoted=True),
    ).from_(_table(target.table, "t"))
    if label and label.other:
        other = schema.by_name[label.other]
        matches = exp.EQ(this=named(label.key, "t"), expression=named(label.other_key, "g"))
        query = query.join(_table(other, "g"), on=matches)
    query = query.group_by(*keys)
    return query.sql(schema.dialect), (label.column,) if label else ()


def _table(table: TableSchema, alias: str) -> Any:
    from sqlglot import exp

    parts = [exp.to_identifier(part, quoted=True) for part in table.parts]
    name = exp.Table(this=parts[-1], db=parts[0] if len(parts) > 1 else None)
    return exp.alias_(name, alias, table=True)


def column_words(column: Column) -> set[str]:
    """All that a column is called."""
    said = " ".join([column.name, column.comment, *column.synonyms])
    return set(words(said.replace("_", " ")))


def table_words(table: TableSchema | None) -> set[str]:
    """All that a table is called."""
    if table is None:
        return set()
    said = " ".join([table.name, table.comment, *table.synonyms])
    return set(words(said.replace("_", " ")))


def spoken_name(target: Target, language: str) -> str:
    """What the numbers are called in that language."""
    return called(target.column, language)


def called(column: Column, language: str) -> str:
    """What a column is called in that language: a synonym where it has one."""
    for name in column.synonyms:
        if language_of(name) == language:
            return name
    return column.name


def _time_of(table: TableSchema) -> str:
    """Of the columns whose samples are dates the one with most days, the first of equals.

    When rows were last written is often one day, and no series.
    """
    dated = [column for column in table.columns if _holds_dates(column)]
    return max(dated, key=_days_of).name if dated else ""


def _days_of(column: Column) -> int:
    """The number of different days among the samples."""
    return len({sample.strip()[:10] for sample in column.samples})


def _holds_dates(column: Column) -> bool:
    """Whether each sample is a date; a year alone may be any number."""
    samples = [sample.strip() for sample in column.samples]
    years = all(re.fullmatch(r"\d{4}", sample) for sample in samples)
    return bool(samples) and not years and all(DATED.fullmatch(sample) for sample in samples)


def _holds_numbers(column: Column) -> bool:
    if column.primary or IDENTIFIER.search(column.name) or not column.samples:
        return False
    return all(as_number(sample) is not None for sample in column.samples)


def _name_of(table: TableSchema) -> str:
    """The column of names: the first of words whose values differ."""
    for column in table.columns:
        if column.samples and not any(as_number(sample) is not None for sample in column.samples):
            return column.name
    return ""
