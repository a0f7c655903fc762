"""A query with names that are not there -> the same query with the real ones that were meant, where that is certain.

Invented names are most of what goes wrong with written SQL. Before a model is asked again, each unknown name is looked
for where it can be: under another alias, in a column's comment or synonyms, among names written almost alike. What was
changed is told to the person. Where two real names are as near, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

from agents.databases.guard.guard import parse, rename
from agents.databases.guard.names import Frame, Refused, Source
from agents.databases.schema import Column, Schema, Table
from workbench.language import language_of

NEAR = {"en": 0.6, "zh": 0.5}  # alike enough to be meant; Chinese names are short
APART = 0.08  # how much nearer than the next one
ELSEWHERE = 0.1  # what a name under another alias than the written one loses


class Mender:
    """Mends queries over one schema. `changes` tells what was changed, as "written → real"."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.changes: list[str] = []

    def mend(self, sql: str) -> str:
        """The mended query, or the same text where nothing is unknown or nothing certain can be done."""
        try:
            tree = parse(sql, self._schema.dialect)
            rename(tree.copy(), self._schema, lambda kind, node, frames: None)
            return sql
        except Refused as refusal:
            if not refusal.unknown:
                return sql
        for prepare in (self._other_tables, self._joined_tables, lambda tree: tree):
            self.changes = []
            try:
                return rename(prepare(tree.copy()), self._schema, self._nearest)
            except Refused:
                continue
        self.changes = []
        return sql

    def _nearest(self, kind: str, node: Any, frames: list[Frame]) -> Any:
        if kind == "table":
            return self._table(node)
        return self._column(node, frames)

    def _table(self, node: Any) -> str | None:
        space = node.db.casefold()
        scored = [
            (likeness(node.name, table), table.name)
            for table in self._schema.tables
            if not space or space == (table.namespace or self._schema.namespace).casefold()
        ]
        found = _best(scored, NEAR[language_of(node.name)])
        if found:
            self._note(node.name, found)
        return found

    def _column(self, node: Any, frames: list[Frame]) -> tuple[Source | None, Any] | None:
        """The column that was meant: under the written alias first, else under another one."""
        if not frames:
            return None
        written = node.table.casefold()
        owner = _owner(written, frames) if written else None
        found = None
        for frame in frames:  # the inner query first: an outer one may have the same names
            scored: list[tuple[float, Any]] = [
                (
                    likeness(node.name, self._known(source, identifier))
                    - ELSEWHERE * (owner is not None and source is not owner),
                    (source, identifier),
                )
                for source in frame.sources.values()
                for identifier in source.columns.values()
                if not _compares_itself(node, source, identifier)
            ]
            if not written:
                scored += [
                    (likeness(node.name, Column(alias.name)), (None, alias))
                    for alias in frame.aliases.values()
                ]
            if found := _best(scored, self._sure(node.name)):
                break
        if found:
            source, identifier = found
            place = (
                f"{source.alias.name}."
                if source and source.alias and (written or source.alias.name != node.table)
                else ""
            )
            self._note(
                f"{node.table}.{node.name}" if node.table else node.name, place + identifier.name
            )
            if (
                written and source and source.alias
            ):  # the written alias is wrong: `_write` puts the right one
                node.set("table", source.alias.copy())
        return found

    def _sure(self, name: str) -> float:
        """How near a name must be: nearly the same where another table has just the one that was written."""
        elsewhere = any(table.real_name(name) for table in self._schema.tables)
        return 0.85 if elsewhere else NEAR[language_of(name)]

    def _known(self, source: Source, identifier: Any) -> Column:
        table = self._schema.by_name.get(source.table)
        return (table.by_name.get(identifier.name) if table else None) or Column(identifier.name)

    def _note(self, written: str, real: str) -> None:
        change = f"{written} → {real}"
        if change not in self.changes:
            self.changes.append(change)

    def _other_tables(self, tree: Any) -> Any:
        """Where a table lacks columns that are asked of it, and only one other has them all, that one is meant."""
        for node, wanted, elsewhere in self._uses(tree):
            table = self._schema.find(node.name, node.db)
            missing = {name for name in wanted if table is None or table.real_name(name) is None}
            if not missing or missing <= elsewhere or len(wanted) < (2 if table is None else 1):
                continue
            if table is not None and any(
                likeness(name, column) >= 0.7 for name in missing for column in table.columns
            ):
                continue  # written almost right
            having = [
                t
                for t in self._schema.tables
                if t is not table and all(t.real_name(name) for name in wanted)
            ]
            if len(having) == 1:
                self._swap(tree, node, having[0])
        return tree

    def _swap(self, tree: Any, node: Any, table: Table) -> None:
        from sqlglot import exp

        self._note(node.name, table.name)
        for column in tree.find_all(exp.Column):
            if not node.alias and column.table.casefold() == node.name.casefold():
                column.set("table", exp.to_identifier(table.own_name))
        node.set("this", exp.to_identifier(table.own_name))
        node.set("db", exp.to_identifier(table.namespace) if table.namespace else None)

    def _joined_tables(self, tree: Any) -> Any:
        """Where a column is of a table that is not in the query, and one foreign key leads there, that table is joined."""
        from sqlglot import exp

        for node, wanted, elsewhere in list(self._uses(tree)):
            table = self._schema.find(node.name, node.db)
            select = node.find_ancestor(exp.Select)
            if table is None or select is None:
                continue
            for name in sorted(wanted):
                if table.real_name(name) or name in elsewhere:
                    continue
                steps = [step for step in self._neighbours(table) if step[0].real_name(name)]
                if len(steps) == 1:
                    self._join(select, node, name, *steps[0])
        return tree

    def _neighbours(self, table: Table) -> Iterable[tuple[Table, str, str]]:
        """(table, own column, its column) of each table that one foreign key leads to or comes from."""
        for key in table.foreign_keys:
            if other := self._schema.table(key.other_table):
                yield other, key.column, key.other_column
        for other in self._schema.tables:
            for key in other.foreign_keys:
                if other is not table and self._schema.table(key.other_table) is table:
                    yield other, key.other_column, key.column

    def _join(self, select: Any, node: Any, name: str, other: Table, own: str, theirs: str) -> None:
        from sqlglot import exp

        here = node.alias or node.name
        if any(
            join.alias_or_name.casefold() == other.own_name.casefold()
            for join in select.args.get("joins") or []
        ):
            return
        on = exp.EQ(this=exp.column(own, here), expression=exp.column(theirs, other.own_name))
        select.append(
            "joins", exp.Join(this=exp.table_(other.own_name, other.namespace or None), on=on)
        )
        self._note(name, f"{other.name}.{name}")
        for column in select.find_all(exp.Column):
            if column.name.casefold() == name and column.table.casefold() in ("", here.casefold()):
                column.set("table", exp.to_identifier(other.own_name))
            elif (
                not column.table
                and (table := self._schema.table(node.name))
                and table.real_name(column.name)
            ):
                column.set("table", exp.to_identifier(here))

    def _uses(self, tree: Any) -> Iterable[tuple[Any, set[str], set[str]]]:
        """(table node, columns asked of it, columns of the other tables of its SELECT), names folded."""
        from sqlglot import exp

        ctes = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
        for select in list(tree.find_all(exp.Select)):
            clause = select.args.get("from_")
            items = [
                *([clause.this] if clause else []),
                *(join.this for join in select.args.get("joins") or []),
            ]
            nodes = [
                item
                for item in items
                if isinstance(item, exp.Table) and item.name.casefold() not in ctes
            ]
            columns = [
                column
                for column in select.find_all(exp.Column)
                if column.find_ancestor(exp.Select) is select
                and isinstance(column.this, exp.Identifier)
                and not column.this.args.get("quoted")
            ]
            aliases = {
                item.alias.casefold() for item in select.expressions if isinstance(item, exp.Alias)
            }
            for node in nodes:
                called = {node.alias.casefold(), node.name.casefold()} - {""}
                wanted = {
                    column.name.casefold()
                    for column in columns
                    if (column.table.casefold() in called if column.table else len(items) == 1)
                } - aliases
                others = [
                    self._schema.find(other.name, other.db) for other in nodes if other is not node
                ]
                yield (
                    node,
                    wanted,
                    {
                        column.name.casefold()
                        for other in others
                        if other
                        for column in other.columns
                    },
                )


def likeness(written: str, item: Table | Column) -> float:
    """How much a written name is like a real one: its name, comment, description or a synonym; 1 is the same."""
    meanings = (item.comment, item.description, *item.synonyms)
    name = item.own_name if isinstance(item, Table) else item.name
    return max(
        [_alike(written, name), *(0.98 * _alike(written, text) for text in meanings if text)]
    )


def _alike(one: str, other: str) -> float:
    left, right = (name.casefold().replace("_", "").replace(" ", "") for name in (one, other))
    return SequenceMatcher(None, left, right, autojunk=False).ratio() if left != right else 1.0


def _owner(written: str, frames: list[Frame]) -> Source | None:
    """The source that a qualifier means: its alias, or its table's real name behind an alias."""
    for frame in frames:
        if written in frame.sources:
            return frame.sources[written]
        if found := [
            source for source in frame.sources.values() if source.table.casefold() == written
        ]:
            return found[0]
    return None


def _best(scored: list[tuple[float, Any]], enough: float) -> Any:
    """The one that is near enough and clearly nearer than all others."""
    ranked = sorted(scored, key=lambda item: -item[0])
    if not ranked or ranked[0][0] < enough:
        return None
    best, found = ranked[0]
    clear = APART if best < 0.999 else 1e-9
    return found if len(ranked) == 1 or best - ranked[1][0] >= clear else None


def _compares_itself(node: Any, source: Source, identifier: Any) -> bool:
    """Whether the column, so read, would be compared with itself."""
    from sqlglot import exp

    if not isinstance(node.parent, exp.EQ) or source.alias is None:
        return False
    other = node.parent.expression if node.parent.this is node else node.parent.this
    return (
        isinstance(other, exp.Column)
        and other.table.casefold() == source.alias.name.casefold()
        and other.name.casefold() == identifier.name.casefold()
    )
