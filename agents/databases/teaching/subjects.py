"""A source -> what its tables can be asked about: numbers to add up, values to group and filter by, times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from agents.databases.database import QueryFailed
from agents.databases.figures import IDENTIFIER
from agents.databases.guard.guard import parse
from agents.databases.guard.names import Refused
from agents.databases.introspect import is_secret
from agents.databases.naming import CALLED_BY
from agents.databases.runner import ask_database
from agents.databases.schema import Column, Schema, Table
from agents.databases.sources import Source
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

Role = Literal["measure", "category", "time", "text", "key"]


@dataclass(frozen=True)
class Field:
    """A column with the role it plays. `values` are all of a category's, and some of a measure's."""

    table: Table
    column: Column
    role: Role
    values: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        return not NUMERIC.search(self.column.type)

    @property
    def inexact(self) -> bool:
        return bool(INEXACT.search(self.column.type))

    @property
    def names_rows(self) -> bool:
        """Whether a row is called by it."""
        return bool(CALLED_BY.search(self.column.name))

    @property
    def is_change(self) -> bool:
        """Whether it tells when a row was changed, which is rarely what is asked."""
        return bool(CHANGED.search(self.column.name))

    @property
    def has_hours(self) -> bool:
        return any(HOUR.match(sample) for sample in self.column.samples)


@dataclass(frozen=True)
class Subject:
    """One table. `joined` are categories of tables that a foreign key of it leads to, each with own and other column."""

    table: Table
    fields: tuple[Field, ...]
    joined: tuple[tuple[Field, str, str], ...] = ()

    def of(self, role: Role) -> list[Field]:
        return [field for field in self.fields if field.role == role]


def find_subjects(schema: Schema, source: Source, settings: Settings) -> list[Subject]:
    """Every table with the roles of its columns; values are read from the source, those of secret columns never."""
    fields = {
        table.name: tuple(
            _field(table, column, schema, source, settings) for column in table.columns
        )
        for table in schema.tables
    }
    return [
        Subject(table, fields[table.name], tuple(_joined(table, fields))) for table in schema.tables
    ]


def _joined(table: Table, fields: dict[str, tuple[Field, ...]]) -> Iterator[tuple[Field, str, str]]:
    for key in table.foreign_keys:
        for field in fields.get(key.other_table, ()):
            if field.role == "category" and key.other_table != table.name:
                yield field, key.column, key.other_column


def _field(
    table: Table, column: Column, schema: Schema, source: Source, settings: Settings
) -> Field:
    role = _role(table, column)
    if role == "category":
        values = _values(table, column, schema, source, settings)
        if not 0 < len(values) <= MOST_VALUES:
            return Field(table, column, "key" if IDENTIFIER.search(column.name) else "text")
        return Field(table, column, role, values)
    return Field(table, column, role, column.samples if role == "measure" else ())


def _role(table: Table, column: Column) -> Role:
    """By type, key and samples. A number that only names something is a category where it has few values."""
    keys = {key.column for key in table.foreign_keys}
    alone = column.primary and sum(other.primary for other in table.columns) == 1
    if is_secret(column) or alone or column.name in keys or not column.samples:
        return "key"
    if TIME.search(column.type) or all(DAY.match(sample) for sample in column.samples):
        return "time"
    if column.primary or IDENTIFIER.search(column.name):
        return "category"
    if NUMERIC.search(column.type) or all(NUMBER.fullmatch(sample) for sample in column.samples):
        return "measure"
    return "category"


def _values(
    table: Table, column: Column, schema: Schema, source: Source, settings: Settings
) -> tuple[str, ...]:
    """The distinct values of a column, one more than may be; none where the database does not tell."""
    from sqlglot import exp

    name = exp.column(column.name, quoted=True)
    place = exp.table_(table.own_name, table.namespace or None, quoted=True)
    sql = (
        exp.select(name)
        .distinct()
        .from_(place)
        .where(name.is_(exp.null()).not_())
        .order_by(name)
        .sql(schema.dialect)
    )
    try:
        wide = settings.model_copy(update={"query_rows": MOST_VALUES + 1})
        rows = ask_database(sql, schema, source, wide)[1].rows
    except (Refused, QueryFailed, Stopped):
        return ()
    values = tuple(str(row[0]) for row in rows)
    return values if all(value.strip() and len(value) <= LONGEST_VALUE for value in values) else ()


def place_of(table: Table, dialect: str) -> str:
    """A table as it stands after FROM."""
    return ".".join(identifier(part, dialect) for part in table.parts)


def identifier(name: str, dialect: str) -> str:
    """A name as SQL has it, quoted only where it would be read as something else."""
    from sqlglot import exp

    if re.fullmatch(r"[^\W\d]\w*", name):
        try:
            tree = parse(
                " ".join(["SELECT", f"x.{name}", ",", name, "FROM", name, "AS", "x"]), dialect
            )
            if all(isinstance(item, exp.Column) for item in tree.expressions):
                return name
        except Refused:
            pass
    return exp.to_identifier(name, quoted=True).sql(dialect)
