"""A source -> what its tables can be asked about: numbers to add up, values to group by, times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from agents.databases.database import QueryFailed
from agents.databases.figures import IDENTIFIER
from agents.databases.guard.refused import Refused
from agents.databases.introspect import is_secret
from agents.databases.naming import CALLED_BY
from agents.databases.runner import ask_database
from agents.databases.schema import Column, Schema, TableSchema
from agents.databases.sources import DataSource
from workbench.errors import Stopped
from workbench.settings import Settings

MOST_VALUES = 30  # of a column that rows are grouped by
LONGEST_VALUE = 40  # characters
NUMERIC = re.compile(r"int|dec|num|float|double|real", re.I)
INEXACT = re.compile(r"float|double|real", re.I)
TIME = re.compile(r"date|time", re.I)
NUMBER = re.compile(r"-?\d+(\.\d+)?")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
HOUR = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}")
CHANGED = re.compile(r"updat|modif|更新|修改", re.I)

# measure: a number to add up or compare     category: a column of few values
# time: when a row happened                  text: words that only describe a row
# key: what is never asked about: identifiers, secrets, columns without values
Role = Literal["measure", "category", "time", "text", "key"]


@dataclass(frozen=True)
class Field:
    """A column with the role it plays. `values` are all of a category's, some of a measure's."""

    table: TableSchema
    column: Column
    role: Role
    values: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return not NUMERIC.search(self.column.type)

    @property
    def inexact(self) -> bool:
        """Whether the database rounds its numbers itself."""
        return bool(INEXACT.search(self.column.type))

    @property
    def typed_as_time(self) -> bool:
        return bool(TIME.search(self.column.type))

    @property
    def names_rows(self) -> bool:
        """Whether a row is called by it."""
        return bool(CALLED_BY.search(self.column.name))

    @property
    def is_change(self) -> bool:
        """Whether it says when a row was changed, which is rarely what is asked."""
        return bool(CHANGED.search(self.column.name))

    @property
    def has_hours(self) -> bool:
        return any(HOUR.match(sample) for sample in self.column.samples)


@dataclass(frozen=True)
class Join:
    """A category of another table, reached from `column` of this one to its `other_column`."""

    category: Field
    column: str
    other_column: str


@dataclass(frozen=True)
class Subject:
    """One table with the roles of its columns, and the categories that its foreign keys reach."""

    table: TableSchema
    fields: tuple[Field, ...]
    joined: tuple[Join, ...] = ()

    def of(self, role: Role) -> list[Field]:
        return [field for field in self.fields if field.role == role]

    def join_to(self, category: Field | None) -> Join | None:
        """How the category is reached; None for one of the table itself."""
        for join in self.joined:
            if join.category is category:
                return join
        return None


def find_subjects(schema: Schema, source: DataSource, settings: Settings) -> list[Subject]:
    """Every table with the roles of its columns.

    Values are read from the source, those of secret columns never.
    """
    fields: dict[str, tuple[Field, ...]] = {}
    for table in schema.tables:
        found = [_field(table, column, schema, source, settings) for column in table.columns]
        fields[table.name] = tuple(found)
    return [
        Subject(table, fields[table.name], tuple(_joined(table, fields))) for table in schema.tables
    ]


def _joined(table: TableSchema, fields: dict[str, tuple[Field, ...]]) -> Iterator[Join]:
    for key in table.foreign_keys:
        if key.other_table == table.name:
            continue
        for field in fields.get(key.other_table, ()):
            if field.role == "category":
                yield Join(field, key.column, key.other_column)


def _field(
    table: TableSchema, column: Column, schema: Schema, source: DataSource, settings: Settings
) -> Field:
    role = _role(table, column)
    if role == "measure":
        return Field(table, column, role, column.samples)
    if role != "category":
        return Field(table, column, role)
    values = _values(table, column, schema, source, settings)
    if 0 < len(values) <= MOST_VALUES:
        return Field(table, column, role, values)
    return Field(table, column, "key" if IDENTIFIER.search(column.name) else "text")


def _role(table: TableSchema, column: Column) -> Role:
    """By type, key and samples; a number that only identifies is a category, if it is one at all.

    Whether a category has few enough values is not known here.
    """
    foreign = {key.column for key in table.foreign_keys}
    primaries = [other for other in table.columns if other.primary]
    identifies_row = column.primary and len(primaries) == 1
    if is_secret(column) or identifies_row or column.name in foreign or not column.samples:
        return "key"
    if TIME.search(column.type) or all(DAY.match(sample) for sample in column.samples):
        return "time"
    if column.primary or IDENTIFIER.search(column.name):
        return "category"
    if NUMERIC.search(column.type) or all(NUMBER.fullmatch(sample) for sample in column.samples):
        return "measure"
    return "category"


def _values(
    table: TableSchema, column: Column, schema: Schema, source: DataSource, settings: Settings
) -> tuple[str, ...]:
    """The distinct values of a column, one more than may be; none where it cannot be asked."""
    from sqlglot import exp

    name = exp.column(column.name, quoted=True)
    place = exp.table_(table.own_name, table.namespace or None, quoted=True)
    known = name.is_(exp.null()).not_()
    query = exp.select(name).distinct().from_(place).where(known).order_by(name)
    wide = settings.model_copy(update={"query_rows": MOST_VALUES + 1})
    try:
        _, result = ask_database(query.sql(schema.dialect), schema, source, wide)
    except (Refused, QueryFailed, Stopped):
        return ()
    values = tuple(str(row[0]) for row in result.rows)
    sayable = all(value.strip() and len(value) <= LONGEST_VALUE for value in values)
    return values if sayable else ()
