"""What is known of a database: tables, columns, keys, comments, samples, and what the person has added to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Column:
    """`samples` are a few of its values as text. `description` and `synonyms` come from the person."""

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
class Table:
    """`rows` is a count, an estimate of the server, or None where neither is cheap.

    `namespace` is the schema that the table is in where that is not the source's own; `name` then begins with it.
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
    """`dialect` is mysql, postgres, sqlite or duckdb; `namespace` the database or schema that the tables are in."""

    dialect: str
    tables: tuple[Table, ...]
    namespace: str = ""
    read_at: float = field(default=0.0, compare=False)

    @cached_property
    def by_name(self) -> Mapping[str, Table]:
        return {table.name: table for table in self.tables}

    @cached_property
    def _folded(self) -> Mapping[str, Table]:
        return {table.name.casefold(): table for table in reversed(self.tables)}

    def table(self, name: str) -> Table | None:
        """The table of that name, whatever the case that was typed."""
        return self.by_name.get(name) or self._folded.get(name.casefold())

    @cached_property
    def namespaces(self) -> frozenset[str]:
        """Of all its tables, folded."""
        return frozenset(
            {self.namespace.casefold(), *(table.namespace.casefold() for table in self.tables)}
            - {""}
        )

    def find(self, name: str, namespace: str = "") -> Table | None:
        """The table that a query means; without a namespace the source's own, else the only one that is called so."""
        if namespace and namespace.casefold() != self.namespace.casefold():
            return self.table(f"{namespace}.{name}")
        if namespace or (own := self.table(name)) is None:
            called = [
                table for table in self.tables if table.own_name.casefold() == name.casefold()
            ]
            called = [table for table in called if not namespace or not table.namespace]
            return called[0] if len(called) == 1 else None
        return own

    def column_count(self) -> int:
        return sum(len(table.columns) for table in self.tables)


def to_dict(schema: Schema) -> dict[str, Any]:
    return asdict(schema)


def from_dict(data: dict[str, Any]) -> Schema:
    """The inverse of `to_dict`, also after a way through JSON."""
    return Schema(**{**data, "tables": tuple(_table(table) for table in data["tables"])})


def _table(data: dict[str, Any]) -> Table:
    columns = tuple(
        Column(
            **{**column, "samples": tuple(column["samples"]), "synonyms": tuple(column["synonyms"])}
        )
        for column in data["columns"]
    )
    keys = tuple(ForeignKey(**key) for key in data["foreign_keys"])
    return Table(
        **{**data, "columns": columns, "foreign_keys": keys, "synonyms": tuple(data["synonyms"])}
    )
