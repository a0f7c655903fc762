"""A query -> what it does, in the terms that a question asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agents.databases.schema import Schema
from agents.databases.teaching.names import is_time
from agents.databases.teaching.tokens import Item

# where a text with a time in ISO 8601 is cut, as (start, length): 2025-01-31 08:00
CUTS = {("1", "10"): "day", ("1", "7"): "month", ("12", "2"): "hour", ("12", "5"): "hour"}
ROWS = "rows"  # their number, as a figure
OF_TIMES = {"Max": "newest", "Min": "oldest"}
COMPARED = {
    "GT": "more",
    "GTE": "atleast",
    "LT": "less",
    "LTE": "atmost",
    "EQ": "exactly",
    "Between": "between",
    "In": "in",
    "Like": "mention",
}
TURNED = {"more": "less", "less": "more", "atleast": "atmost", "atmost": "atleast"}
# what the same comparison is called where days are compared
OF_DAYS = {"more": "after", "atleast": "since", "less": "before", "atmost": "until"}


@dataclass(frozen=True)
class Comparison:
    """`kind` is a meaning of the word tables; `item` is what is compared, None for a count."""

    kind: str
    item: Item | None
    figure: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """`figure` is what the result is sorted by: a figure, "time", "cut" or "" for a column."""

    falls: bool
    figure: str
    item: Item | None


@dataclass
class Doing:
    """What one query computes, groups, compares, sorts and shows."""

    figures: list[tuple[str, Item | None]] = field(default_factory=list)
    counted_once: set[Item] = field(default_factory=set)
    grouped: set[Item] = field(default_factory=set)
    cuts: set[str] = field(default_factory=set)
    shown: set[Item] = field(default_factory=set)
    comparisons: list[Comparison] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    limit: str = ""
    distinct: bool = False
    shows_time: bool = False

    @property
    def counts_rows(self) -> bool:
        return any(figure == ROWS for figure, _ in self.figures)

    @property
    def computes(self) -> bool:
        return bool(self.figures or self.counted_once)

    @property
    def lone(self) -> bool:
        """Whether a figure is of all rows together."""
        return not self.grouped and not self.cuts

    def has(self, *figures: str) -> bool:
        return any(figure in figures for figure, _ in self.figures)

    def sorts(self, falls: bool) -> bool:
        """Whether by a figure or a number, and in that direction; a name may well rise."""
        named = self.grouped | (self.shown if self.distinct else set())
        for order in self.orders:
            sorted_by_name = not order.figure and order.item in named
            if order.falls == falls and order.figure not in ("time", "cut") and not sorted_by_name:
                return True
        return False

    def looks_for(self, end: str) -> bool:
        """Whether for the newest or the oldest of times."""
        falls = end == "newest"
        sorted_so = any(order.falls == falls and order.figure == "time" for order in self.orders)
        return sorted_so or self.has(end)

    def compares(self, kind: str) -> bool:
        return any(comparison.kind == kind for comparison in self.comparisons)


class Watcher:
    """Reads what a tree does. Columns are those of the schema's tables that the tree reads."""

    def __init__(self, tree: Any, schema: Schema) -> None:
        from sqlglot import exp

        self._tree = tree
        self._tables: dict[str, Any] = {}
        self._times: set[Item] = set()
        for node in tree.find_all(exp.Table):
            table = schema.find(node.name, node.db)
            if table is not None:
                self._tables[node.alias_or_name.casefold()] = table
                for column in table.columns:
                    if is_time(column):
                        self._times.add((table.name, column.name))
        self._named = {
            alias.alias.casefold(): alias.this for alias in tree.find_all(exp.Alias) if alias.alias
        }

    def watch(self) -> Doing:
        from sqlglot import exp

        doing = Doing()
        for node in self._tree.find_all(exp.AggFunc):
            self._watch_figure(node, doing)
        for group in self._tree.find_all(exp.Group):
            for key in group.expressions:
                self._watch_key(key, doing)
        for shown in self._tree.expressions:
            items = set(self._items(shown))
            if isinstance(self._inner(shown), exp.Column):
                doing.shown |= items
            if items & self._times:
                doing.shows_time = True
        for node in self._tree.find_all(exp.Predicate):
            self._watch_comparison(node, doing)
        for order in self._tree.find_all(exp.Ordered):
            doing.orders.append(self._order(order))
        limit = self._tree.args.get("limit")
        if limit is not None:
            doing.limit = str(limit.expression.this)
        doing.distinct = any(select.args.get("distinct") for select in self._selects())
        if self._tree.find(exp.Not, exp.NEQ):
            doing.others.add("no")
        if self._tree.find(exp.Or):
            doing.others.add("either")
        if self._tree.find(exp.Div, exp.Sub, exp.Mul):
            doing.others.add("arithmetic")
        return doing

    def _selects(self) -> Iterator[Any]:
        from sqlglot import exp

        return self._tree.find_all(exp.Select)

    def _watch_figure(self, node: Any, doing: Doing) -> None:
        from sqlglot import exp

        items = list(self._items(node))
        if isinstance(node, exp.Count):
            if node.find(exp.Distinct):
                doing.counted_once |= set(items)
            else:
                doing.figures.append((ROWS, None))
            return
        name = type(node).__name__
        for item in items:
            figure = OF_TIMES.get(name, name) if item in self._times else name
            doing.figures.append((figure, item))
        if not items:
            doing.figures.append((name, None))

    def _watch_key(self, key: Any, doing: Doing) -> None:
        cut = self.cut_of(key)
        if cut:
            doing.cuts.add(cut)
        else:
            doing.grouped |= set(self._items(key))

    def _watch_comparison(self, node: Any, doing: Doing) -> None:
        from sqlglot import exp

        kind = COMPARED.get(type(node).__name__, type(node).__name__)
        left = node.this
        literals = [str(literal.this) for literal in node.find_all(exp.Literal)]
        if isinstance(left, exp.Literal) and isinstance(node, exp.Binary):
            left = node.expression
            kind = TURNED.get(kind, kind)
        # what is compared may itself hold numbers, as SUBSTR(hour, 1, 10)
        for own in left.find_all(exp.Literal):
            literals.remove(str(own.this))
        if not literals:
            return  # of a join
        items = list(self._items(left))
        item = items[0] if items else None
        figure = self.cut_of(left) or self._figure_of(left)
        doing.comparisons.append(Comparison(kind, item, figure, tuple(literals)))

    def _order(self, order: Any) -> Order:
        by = self._inner(order.this)
        items = list(self._items(by))
        item = items[0] if items else None
        figure = self._figure_of(by)
        if self.cut_of(by):
            figure = "cut"
        elif not figure and item in self._times:
            figure = "time"
        return Order(bool(order.args.get("desc")), figure, item)

    def _figure_of(self, node: Any) -> str:
        from sqlglot import exp

        found = self._inner(node).find(exp.AggFunc)
        if found is None:
            return ""
        return ROWS if isinstance(found, exp.Count) else type(found).__name__

    def cut_of(self, node: Any) -> str:
        """The unit that a time is cut to: day, hour, week or month; "" where it is not."""
        from sqlglot import exp

        node = self._inner(node)
        if isinstance(node, exp.Substring):
            ends = (str(node.args["start"].this), str(node.args["length"].this))
            return CUTS.get(ends, "")
        if isinstance(node, exp.Cast) and str(node.to) == "DATE":
            return "day"
        if isinstance(node, (exp.Date, exp.TsOrDsToDate)):
            return "day"
        if isinstance(node, exp.Extract):
            return str(node.this.this).lower()
        if isinstance(node, exp.TimeToStr):
            return "week" if "%W" in str(node.args["format"].this) else ""
        return ""

    def _inner(self, node: Any) -> Any:
        """What an alias stands for, also where it is only named; without brackets and casts."""
        from sqlglot import exp

        if isinstance(node, exp.Alias):
            node = node.this
        if isinstance(node, exp.Column) and not node.table:
            known = self._named.get(node.name.casefold())
            if known is not None and not self._column(node):
                node = known
        while isinstance(node, (exp.Paren, exp.Round)):
            node = node.this
        if isinstance(node, exp.Cast) and str(node.to) != "DATE":
            node = node.this
        return node

    def _items(self, node: Any) -> Iterator[Item]:
        from sqlglot import exp

        for column in self._inner(node).find_all(exp.Column):
            item = self._column(column)
            if item:
                yield item
                continue
            known = self._named.get(column.name.casefold())
            if known is not None and known is not node and known.find(exp.Column) is not column:
                yield from self._items(known)

    def _column(self, column: Any) -> Item | None:
        tables = self._tables
        if column.table:
            tables = {column.table.casefold(): self._tables.get(column.table.casefold())}
        for table in tables.values():
            if table is None:
                continue
            for known in table.columns:
                if known.name.casefold() == column.name.casefold():
                    return (table.name, known.name)
        return None
