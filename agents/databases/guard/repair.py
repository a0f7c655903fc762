"""A query with unknown names -> the same query with the real ones, where these are certain.

Invented names are most of what goes wrong with written SQL. Before a model is asked again, each
unknown name is looked for where it can be: under another alias, in a column's comment or synonyms,
among names written almost alike. The person learns of every change. Where two real names are as
near, nothing is changed.
"""

from __future__ import annotations

from typing import Any

from agents.databases.guard.guard import read, rename
from agents.databases.guard.likeness import likeness, nearest
from agents.databases.guard.other_tables import exchange_tables, join_tables
from agents.databases.guard.refused import Refused
from agents.databases.guard.scope import Meaning, Relation, Scope
from agents.databases.schema import Column, Schema
from workbench.language import language_of

NEAR = {"en": 0.6, "zh": 0.5}  # alike enough to be meant; Chinese names are short
NEARLY_SAME = 0.85
ELSEWHERE = 0.1  # what a name under another alias than the written one loses


class Mender:
    """Mends queries over one schema. `changes` lists what was changed, as "written → real"."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.changes: list[str] = []

    def mend(self, sql: str) -> str:
        """The mended query, or the same text where no name is unknown or nothing is certain."""
        self.changes = []
        try:
            tree = read(sql, self._schema.dialect)
            rename(tree.copy(), self._schema, _leave)
            return sql
        except Refused as refusal:
            if not refusal.unknown:
                return sql
        # the table first: in the right one the columns may be right as they are written
        for prepare in (exchange_tables, join_tables, _change_nothing):
            copy = tree.copy()
            self.changes = list(dict.fromkeys(prepare(copy, self._schema)))
            try:
                return rename(copy, self._schema, self._nearest)
            except Refused:
                continue
        self.changes = []
        return sql

    def _nearest(self, kind: str, node: Any, scopes: list[Scope]) -> Any:
        if kind == "table":
            return self._table(node)
        return self._column(node, scopes)

    def _table(self, node: Any) -> str | None:
        space = node.db.casefold()
        scored = []
        for table in self._schema.tables:
            namespace = table.namespace or self._schema.namespace
            if not space or space == namespace.casefold():
                scored.append((likeness(node.name, table), table.name))
        found = nearest(scored, NEAR[language_of(node.name)])
        if found:
            self._note(node.name, found)
        return found

    def _column(self, node: Any, scopes: list[Scope]) -> Meaning | None:
        """The column that was meant: under the written alias first, else under another one."""
        owner = _owner(node.table.casefold(), scopes) if node.table else None
        enough = self._enough(node.name)
        for scope in scopes:  # the inner query first: an outer one may have the same names
            found = nearest(self._scored(node, scope, owner), enough)
            if found:
                self._keep(node, *found)
                return found
        return None

    def _scored(
        self, node: Any, scope: Scope, owner: Relation | None
    ) -> list[tuple[float, Meaning]]:
        """(likeness, meaning) of all that the column could mean in one SELECT."""
        scored: list[tuple[float, Meaning]] = []
        for relation in scope.relations.values():
            loss = ELSEWHERE if owner is not None and relation is not owner else 0
            for identifier in relation.columns.values():
                if not _compares_itself(node, relation, identifier):
                    score = likeness(node.name, self._known(relation, identifier)) - loss
                    scored.append((score, (relation, identifier)))
        if not node.table:
            for alias in scope.aliases.values():
                scored.append((likeness(node.name, Column(alias.name)), (None, alias)))
        return scored

    def _keep(self, node: Any, relation: Relation | None, identifier: Any) -> None:
        """Note what a column now means, and put the right alias where another one was written."""
        written = f"{node.table}.{node.name}" if node.table else node.name
        if relation is None or relation.alias is None:
            self._note(written, identifier.name)
            return
        self._note(written, f"{relation.alias.name}.{identifier.name}")
        if node.table:
            node.set("table", relation.alias.copy())

    def _enough(self, name: str) -> float:
        """How near a name must be: nearly the same where another table has just the written one."""
        elsewhere = any(table.real_name(name) for table in self._schema.tables)
        return NEARLY_SAME if elsewhere else NEAR[language_of(name)]

    def _known(self, relation: Relation, identifier: Any) -> Column:
        """The column of the schema, with its comment and synonyms, or one of that name."""
        table = self._schema.by_name.get(relation.table)
        found = table.by_name.get(identifier.name) if table else None
        return found or Column(identifier.name)

    def _note(self, written: str, real: str) -> None:
        change = f"{written} → {real}"
        if change not in self.changes:
            self.changes.append(change)


def _leave(kind: str, node: Any, scopes: list[Scope]) -> None:
    """Mends nothing."""


def _change_nothing(tree: Any, schema: Schema) -> list[str]:
    return []


def _owner(written: str, scopes: list[Scope]) -> Relation | None:
    """The relation that a qualifier means: its alias, or its table's real name behind an alias."""
    for scope in scopes:
        if written in scope.relations:
            return scope.relations[written]
        for relation in scope.relations.values():
            if relation.table.casefold() == written:
                return relation
    return None


def _compares_itself(node: Any, relation: Relation, identifier: Any) -> bool:
    """Whether the column, so read, would be compared with itself."""
    from sqlglot import exp

    if not isinstance(node.parent, exp.EQ) or relation.alias is None:
        return False
    other = node.parent.expression if node.parent.this is node else node.parent.this
    if not isinstance(other, exp.Column):
        return False
    same_relation = other.table.casefold() == relation.alias.name.casefold()
    return same_relation and other.name.casefold() == identifier.name.casefold()
