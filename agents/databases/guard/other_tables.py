"""A query that asks columns of a table that lacks them -> the same with the table that has them.

The table is exchanged, or the one that has the column is joined. Both change the tree in place and
return what they changed as "written → real".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.databases.guard.likeness import likeness
from agents.databases.schema import Schema, TableSchema

MISSPELT = 0.7  # a column as like as this is only written wrong; its table is right


@dataclass(frozen=True)
class Use:
    """A table node of a query; `wanted` are the columns asked of it, `elsewhere` those of the other
    tables of its SELECT. All names are folded."""

    node: Any
    wanted: set[str]
    elsewhere: set[str]


def exchange_tables(tree: Any, schema: Schema) -> list[str]:
    """Where a table lacks the columns asked of it and only one other has them all, take that."""
    changes: list[str] = []
    for use in _uses(tree, schema):
        table = schema.find(use.node.name, use.node.db)
        if not _lacks_columns(use, table):
            continue
        others = [
            other
            for other in schema.tables
            if other is not table and all(other.real_name(name) for name in use.wanted)
        ]
        if len(others) == 1:
            changes.append(f"{use.node.name} → {others[0].name}")
            _exchange(tree, use.node, others[0])
    return changes


def _lacks_columns(use: Use, table: TableSchema | None) -> bool:
    """Whether the columns asked for are reason enough to take another table."""
    if table is None:  # an unknown table: one column is not enough to tell which was meant
        return len(use.wanted) >= 2 and not use.wanted <= use.elsewhere
    missing = {name for name in use.wanted if table.real_name(name) is None}
    if not missing or missing <= use.elsewhere:
        return False
    for name in missing:
        if any(likeness(name, column) >= MISSPELT for column in table.columns):
            return False
    return True


def _exchange(tree: Any, node: Any, table: TableSchema) -> None:
    from sqlglot import exp

    if not node.alias:
        for column in tree.find_all(exp.Column):
            if column.table.casefold() == node.name.casefold():
                column.set("table", exp.to_identifier(table.own_name))
    node.set("this", exp.to_identifier(table.own_name))
    node.set("db", exp.to_identifier(table.namespace) if table.namespace else None)


def join_tables(tree: Any, schema: Schema) -> list[str]:
    """Where a column is of a table outside the query and one foreign key leads there, join it."""
    from sqlglot import exp

    changes: list[str] = []
    for use in list(_uses(tree, schema)):
        table = schema.find(use.node.name, use.node.db)
        select = use.node.find_ancestor(exp.Select)
        if table is None or select is None:
            continue
        for name in sorted(use.wanted):
            if table.real_name(name) or name in use.elsewhere:
                continue
            steps = [step for step in _neighbours(table, schema) if step.table.real_name(name)]
            if len(steps) == 1 and _join(select, use.node, name, steps[0], schema):
                changes.append(f"{name} → {steps[0].table.name}.{name}")
    return changes


@dataclass(frozen=True)
class Step:
    """A foreign key from or to a table: the other table, the column here, the column there."""

    table: TableSchema
    here: str
    there: str


def _neighbours(table: TableSchema, schema: Schema) -> Iterator[Step]:
    for key in table.foreign_keys:
        other = schema.table(key.other_table)
        if other is not None:
            yield Step(other, key.column, key.other_column)
    for other in schema.tables:
        for key in other.foreign_keys:
            if other is not table and schema.table(key.other_table) is table:
                yield Step(other, key.other_column, key.column)


def _join(select: Any, node: Any, name: str, step: Step, schema: Schema) -> bool:
    """Join the table of `step`, whose column `name` is asked; False where it is joined already."""
    from sqlglot import exp

    other = step.table
    for join in select.args.get("joins") or []:
        if join.alias_or_name.casefold() == other.own_name.casefold():
            return False
    here = node.alias or node.name
    on = exp.EQ(this=exp.column(step.here, here), expression=exp.column(step.there, other.own_name))
    joined = exp.table_(other.own_name, other.namespace or None)
    select.append("joins", exp.Join(this=joined, on=on))
    _qualify(select, node, name, other, schema)
    return True


def _qualify(select: Any, node: Any, name: str, other: TableSchema, schema: Schema) -> None:
    """Say of which table each column is, now that two tables may have columns of one name."""
    from sqlglot import exp

    here = node.alias or node.name
    table = schema.table(node.name)
    for column in select.find_all(exp.Column):
        if column.name.casefold() == name and column.table.casefold() in ("", here.casefold()):
            column.set("table", exp.to_identifier(other.own_name))
        elif not column.table and table is not None and table.real_name(column.name):
            column.set("table", exp.to_identifier(here))


def _uses(tree: Any, schema: Schema) -> Iterator[Use]:
    from sqlglot import exp

    ctes = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    for select in list(tree.find_all(exp.Select)):
        items = _from_items(select)
        nodes = [
            item
            for item in items
            if isinstance(item, exp.Table) and item.name.casefold() not in ctes
        ]
        columns = _own_columns(select)
        aliases = {
            item.alias.casefold() for item in select.expressions if isinstance(item, exp.Alias)
        }
        for node in nodes:
            wanted = _asked_of(node, columns, alone=len(items) == 1) - aliases
            elsewhere: set[str] = set()
            for other in nodes:
                table = schema.find(other.name, other.db) if other is not node else None
                if table is not None:
                    elsewhere |= {column.name.casefold() for column in table.columns}
            yield Use(node, wanted, elsewhere)


def _from_items(select: Any) -> list[Any]:
    clause = select.args.get("from_")
    joined = [join.this for join in select.args.get("joins") or []]
    return [clause.this, *joined] if clause else joined


def _own_columns(select: Any) -> list[Any]:
    """The column nodes of a SELECT itself, without its inner queries and without quoted names."""
    from sqlglot import exp

    return [
        column
        for column in select.find_all(exp.Column)
        if column.find_ancestor(exp.Select) is select
        and isinstance(column.this, exp.Identifier)
        and not column.this.args.get("quoted")
    ]


def _asked_of(node: Any, columns: list[Any], alone: bool) -> set[str]:
    """The folded columns that are asked of a table; those without a qualifier where it is alone."""
    called = {node.alias.casefold(), node.name.casefold()} - {""}
    asked = set()
    for column in columns:
        if (column.table.casefold() in called) if column.table else alone:
            asked.add(column.name.casefold())
    return asked
