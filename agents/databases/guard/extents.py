"""What is known of the relations of a query while its sizes are computed: columns, rows, names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.databases.guard.column_sizes import UNKNOWN
from agents.databases.guard.growth import Size

LEVELS = 1_000  # of a recursive query


@dataclass(frozen=True)
class Extent:
    """A relation: sizes by folded name, in order, and how many rows it may have.

    `other` is the size of every column that is not named, where a function makes the relation.
    """

    columns: Mapping[str, Size]
    rows: float
    other: Size | None = None

    def widest(self) -> Size:
        """The size of its largest column."""
        return largest([*self.columns.values(), *([self.other] if self.other else [])])

    def called(self, names: list[str]) -> Extent:
        """The same with its first columns renamed, as `alias(a, b)` does."""
        if not names:
            return self
        sizes = list(self.columns.values())
        kept = list(self.columns)
        sizes += [self.widest()] * (len(names) - len(sizes))
        renamed = [name.casefold() for name in names] + kept[len(names) :]
        return Extent(dict(zip(renamed, sizes, strict=False)), self.rows, self.other)


@dataclass
class Scope:
    """The relations of one SELECT by folded alias, its own aliases, and the rows that it reads."""

    relations: dict[str, Extent] = field(default_factory=dict)
    aliases: dict[str, Size] = field(default_factory=dict)
    rows: float = 1

    def sizes_of(self, name: str, relation: str = "") -> list[Size]:
        """All that a column of that name could be in this SELECT."""
        if relation:
            wanted = [self.relations[relation]] if relation in self.relations else []
        else:
            wanted = list(self.relations.values())
        found = [extent.columns[name] for extent in wanted if name in extent.columns]
        if not found and not relation and name in self.aliases:
            return [self.aliases[name]]
        if not found:
            found = [extent.other for extent in wanted if extent.other is not None]
        if not found and name in self.relations:  # a whole row, as PostgreSQL and DuckDB allow
            return [row_size(self.relations[name])]
        return found


@dataclass
class Sight:
    """What an expression sees: CTEs by folded name, and scopes from the inner to the outer one."""

    ctes: dict[str, Extent]
    scopes: list[Scope]

    def inner(self, scope: Scope) -> Sight:
        return Sight(self.ctes, [scope, *self.scopes])

    def column(self, node: Any) -> Size:
        """The size of a column; a name that means nothing here has an unknown size."""
        name, relation = node.name.casefold(), node.table.casefold()
        for scope in self.scopes:
            found = scope.sizes_of(name, relation)
            if found:
                return largest(found)
        if relation:  # a field of a struct: column.field
            return self.column(_without_table(node))
        return UNKNOWN

    def rows(self) -> float:
        return self.scopes[0].rows if self.scopes else 1


def _without_table(node: Any) -> Any:
    from sqlglot import exp

    return exp.Column(this=node.args["table"])


def largest(sizes: Iterable[Size]) -> Size:
    """A size that none of them exceeds; the unknown size where there is none."""
    known = list(sizes)
    if not known:
        return UNKNOWN
    return Size(
        max(size.longest for size in known),
        max(size.usual for size in known),
        max(size.number for size in known),
    )


def row_size(extent: Extent) -> Size:
    """All columns of a row together."""
    sizes = list(extent.columns.values()) or [extent.widest()]
    return Size(sum(size.longest for size in sizes), sum(size.usual for size in sizes))


def wider(one: Extent, other: Extent) -> Extent:
    """The columns of `one`, each as large as the column at the same place of `other` may be."""
    others = list(other.columns.values())
    others += [other.widest()] * (len(one.columns) - len(others))
    columns = {
        name: largest([size, others[place]])
        for place, (name, size) in enumerate(one.columns.items())
    }
    unnamed = [size for size in (one.other, other.other) if size is not None]
    return Extent(columns, max(one.rows, other.rows), largest(unnamed) if unnamed else None)


def after_levels(before: Extent, now: Extent) -> Extent:
    """What a recursive query has grown to after LEVELS steps like the last one."""
    columns = {}
    for name, size in now.columns.items():
        step = size.longest - before.columns[name].longest
        usual = size.usual - before.columns[name].usual
        columns[name] = Size(size.longest + LEVELS * step, size.usual + LEVELS * usual)
    return Extent(columns, now.rows, now.other)


def rows_out(select: Any, rows: float) -> float:
    """How many rows a SELECT gives that reads `rows`: one where all are aggregated."""
    from sqlglot import exp

    if select.args.get("group"):
        return rows
    for item in select.expressions:
        for node in item.find_all(exp.AggFunc):
            if not isinstance(node.parent, exp.Window):
                return 1
    return rows


def joined_rows(select: Any, extents: list[Extent]) -> float:
    """How many rows the FROM clause of a SELECT may give.

    Each equality of two columns links one relation to the others and adds no rows; every other
    relation multiplies them.
    """
    counts = sorted((extent.rows for extent in extents), reverse=True)
    unlinked = max(0, len(counts) - 1 - _links(select))
    rows = counts[0] if counts else 1.0
    for count in counts[1 : 1 + unlinked]:
        rows *= count
    return rows


def _links(select: Any) -> int:
    links = 0
    conditions = [select.args.get("where")]
    for join in select.args.get("joins") or []:
        links += 1 if join.args.get("using") or join.args.get("method") else 0
        conditions.append(join.args.get("on"))
    return links + sum(1 for condition in conditions for _ in _equalities(condition))


def _equalities(condition: Any) -> Iterator[Any]:
    """The comparisons of two columns that a condition asks for; of an OR none counts."""
    from sqlglot import exp

    if isinstance(condition, exp.Where | exp.Paren):
        yield from _equalities(condition.this)
    elif isinstance(condition, exp.And):
        yield from _equalities(condition.this)
        yield from _equalities(condition.expression)
    elif isinstance(condition, exp.EQ) and all(
        side.find(exp.Column) for side in (condition.this, condition.expression)
    ):
        yield condition
