"""What is known of a database: tables, columns, keys, comments, samples, and notes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from workbench.messages import unpack


@dataclass(frozen=True)
class Column:
    """`samples` are a few of its values as text; the person adds `description` and `synonyms`."""

    name: str
    type: str = ""
    comment: str = ""
    primary: bool = False
    samples: tuple[str, ...] = ()
    description: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForeignKey:
    """`column` holds values of `other_column` in `other_table`."""

    column: str
    other_table: str
    other_column: str


@dataclass(frozen=True)
class TableSchema:
    """`rows` is a count, an estimate of the server, or None where neither is cheap.

    `namespace` is the schema that the table is in where that is not the source's own; `name` then
    begins with it.
    """

    name: str
    columns: tuple[Column, ...]
    comment: str = ""
    rows: int | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()
    description: str = ""
    synonyms: tuple[str, ...] = ()
    namespace: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The name as SQL has it: the table's own, behind its namespace where it needs one."""
        return (self.namespace, self.own_name) if self.namespace else (self.name,)

    @property
    def own_name(self) -> str:
        return self.name.removeprefix(f"{self.namespace}.") if self.namespace else self.name

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def _folded(self) -> Mapping[str, str]:
        return {column.name.casefold(): column.name for column in reversed(self.columns)}

    def real_name(self, column: str) -> str | None:
        """The column's name as the database has it, whatever the case that was typed."""
        return column if column in self.by_name else self._folded.get(column.casefold())


@dataclass(frozen=True)
class Schema:
    """`dialect` is mysql, postgres, sqlite or duckdb.

    `namespace` is the database or schema that the tables are in. `told` is what a person should
    know of how it was read, as packed messages.
    """

    dialect: str
    tables: tuple[TableSchema, ...]
    namespace: str = ""
    read_at: float = field(default=0.0, compare=False)
    told: tuple[Any, ...] = field(default=(), compare=False)

    @cached_property
    def by_name(self) -> Mapping[str, TableSchema]:
        return {table.name: table for table in self.tables}

    @cached_property
    def _folded(self) -> Mapping[str, TableSchema]:
        return {table.name.casefold(): table for table in reversed(self.tables)}

    def table(self, name: str) -> TableSchema | None:
        """The table of that name, whatever the case that was typed."""
        return self.by_name.get(name) or self._folded.get(name.casefold())

    @cached_property
    def digest(self) -> str:
        """What identifies its tables and columns, by their names and types."""
        columns = [
            (table.name, column.name, column.type)
            for table in self.tables
            for column in table.columns
        ]
        return hashlib.sha256(repr(columns).encode()).hexdigest()[:12]

    @cached_property
    def namespaces(self) -> frozenset[str]:
        """Of all its tables, folded."""
        names = {table.namespace.casefold() for table in self.tables}
        names.add(self.namespace.casefold())
        return frozenset(names - {""})

    def find(self, name: str, namespace: str = "") -> TableSchema | None:
        """The table that a query means, or None.

        Without a namespace the source's own table, else the only one of that name in any schema.
        """
        if namespace and namespace.casefold() != self.namespace.casefold():
            return self.table(f"{namespace}.{name}")
        own = self.table(name)
        if own is not None and not namespace:
            return own
        found = [table for table in self.tables if table.own_name.casefold() == name.casefold()]
        if namespace:  # it is the source's own schema, whose tables have no namespace
            found = [table for table in found if not table.namespace]
        return found[0] if len(found) == 1 else None

    def sentences(self) -> list[str]:
        """What a person should know of how it was read."""
        return [unpack(packed) for packed in self.told]

    def column_count(self) -> int:
        return sum(len(table.columns) for table in self.tables)


def qualified(namespace: str, name: str) -> str:
    """A table's name behind its namespace, if it has one."""
    return f"{namespace}.{name}" if namespace else name


def to_dict(schema: Schema) -> dict[str, Any]:
    return asdict(schema)


def from_dict(data: dict[str, Any]) -> Schema:
    """The inverse of `to_dict`, also after a way through JSON."""
    tables = tuple(_table(table) for table in data["tables"])
    return Schema(**data | {"tables": tables, "told": tuple(data.get("told", ()))})


def _table(data: dict[str, Any]) -> TableSchema:
    columns = tuple(_column(column) for column in data["columns"])
    keys = tuple(ForeignKey(**key) for key in data["foreign_keys"])
    synonyms = tuple(data["synonyms"])
    return TableSchema(**data | {"columns": columns, "foreign_keys": keys, "synonyms": synonyms})


def _column(data: dict[str, Any]) -> Column:
    samples = tuple(data["samples"])
    synonyms = tuple(data["synonyms"])
    return Column(**data | {"samples": samples, "synonyms": synonyms})
