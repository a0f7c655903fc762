"""One column of a query -> the same with the name that it has where it is read, or Refused.

Beside columns these are fields of structs, whole rows of inner queries, parameters of lambdas, and
the few functions that a dialect calls without parentheses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from agents.databases.guard.allowed import meanings
from agents.databases.guard.nodes import function_name
from agents.databases.guard.refused import Refused, unknown_alias, unknown_column
from agents.databases.guard.scope import (
    Relation,
    Scope,
    find_meaning,
    find_relation,
    known_aliases,
    known_columns,
)
from agents.databases.schema import Schema
from workbench.messages import say

# (kind, node with an unknown name, the scopes in sight) -> what was meant, or None
Mend = Callable[[str, Any, list[Scope]], Any]


class Columns:
    """Resolves columns in place. `read` names afterwards those of tables that were resolved."""

    def __init__(self, schema: Schema, mend: Mend) -> None:
        self._schema = schema
        self._mend = mend
        self.read: set[tuple[str, str]] = set()

    def resolve(self, node: Any, scopes: list[Scope]) -> None:
        """Raises Refused where nothing in sight is so called."""
        if self._is_field(node, scopes) or self._is_row(node, scopes):
            return
        self._check_inside(node)
        meaning = find_meaning(node, scopes)
        if meaning is None and self._is_other(node):
            return
        if meaning is None:
            meaning = self._mend("column", node, scopes)
        if meaning is None:
            raise _unknown(node, scopes)
        self._write(node, *meaning)

    def _check_inside(self, node: Any) -> None:
        space = node.args.get("db")
        foreign = space is not None and space.name.casefold() not in self._schema.namespaces
        if foreign or node.args.get("catalog"):
            problem = say("{name} is outside this source.", name=node.sql())
            raise Refused(problem, unknown=node.name)

    def _is_field(self, node: Any, scopes: list[Scope]) -> bool:
        """Whether `a.b` or `t.a.b` is the field b of a DuckDB struct; then it is written."""
        from sqlglot import exp

        parts = [part for part in node.parts if isinstance(part, exp.Identifier)]
        if self._schema.dialect != "duckdb":
            return False
        in_relation = find_relation(parts[0].name, scopes) is not None if parts else False
        needed = 2 if in_relation else 1  # parts before the field, which may be a star
        if len(parts) + node.is_star <= needed:
            return False
        owner = exp.column(*reversed([part.copy() for part in parts[:needed]]))
        meaning = find_meaning(owner, scopes)
        if meaning is None:
            return False
        self._write(owner, *meaning)
        for part, real in zip(parts, owner.parts, strict=False):
            part.set("this", real.name)
        for part in parts:
            part.set("quoted", True)
        return True

    def _is_row(self, node: Any, scopes: list[Scope]) -> bool:
        """Whether the column is the whole row of an inner query; then it is written.

        A table's row could hold columns that are not known here.
        """
        if self._schema.dialect not in ("postgres", "duckdb") or node.table:
            return False
        relation = find_relation(node.name, scopes)
        if relation is None or relation.table or relation.alias is None:
            return False
        if find_meaning(node, scopes) is not None:
            return False
        node.set("this", relation.alias.copy())
        return True

    def _is_other(self, node: Any) -> bool:
        """Whether a name that is no column is text or a function; then it is replaced."""
        from sqlglot import exp

        dialect = self._schema.dialect
        if dialect == "sqlite" and _stands_for_text(node):
            # SQLite reads "text" as a string where no column is so called
            node.replace(exp.Literal.string(node.name))
            return True
        without = meanings(dialect).without_parentheses
        if not node.table and node.name.lower() in without:
            node.replace(exp.Anonymous(this=node.name, expressions=[]))
            return True
        return False

    def _write(self, node: Any, relation: Relation | None, name: Any) -> None:
        from sqlglot import exp

        if relation is not None and relation.table and isinstance(name, exp.Identifier):
            self.read.add((relation.table, name.name))
        if isinstance(name, exp.Identifier):  # of a star, what it leaves out is kept
            node.set("this", name.copy())
        node.set("db", None)
        if node.table and relation is not None and relation.alias is not None:
            node.set("table", relation.alias.copy())


def given_by(node: Any) -> Iterator[Any]:
    """The nodes that give names: a lambda's parameters, a comprehension's variable, a pivot's."""
    from sqlglot import exp

    if isinstance(node, exp.Lambda):
        yield from node.expressions
    elif isinstance(node, exp.Comprehension):
        variable = node.expression
        yield variable.this if isinstance(variable, exp.Column) else variable
    elif isinstance(node, exp.Pivot) and node.args.get("unpivot"):
        yield from (part for part in node.expressions if node.args.get("fields"))
        for field in node.args.get("fields") or []:
            yield field.this
        into = node.args.get("into")
        yield from [into.this, *into.expressions] if into else []


def restore_steps(tree: Any) -> None:
    """Write what DuckDB takes for a step into JSON as one, in place: `f(doc -> '$.a')`.

    As an argument it is read as a lambda, which would have no use for its parameter.
    """
    from sqlglot import exp

    for node in list(tree.find_all(exp.Lambda)):
        first = node.this
        while isinstance(first, exp.Binary | exp.Bracket):
            first = first.this
        if not isinstance(first, exp.Literal) or len(node.expressions) != 1:
            continue
        column = exp.column(node.expressions[0].copy())
        step = exp.JSONExtract(this=column, expression=first.copy())
        if first is node.this:
            node.replace(step)
        else:
            first.replace(step)
            node.replace(node.this)


def restore_methods(tree: Any) -> None:
    """Write DuckDB's `name.upper()` as `upper(name)`, in place."""
    from sqlglot import exp

    for dot in reversed(list(tree.find_all(exp.Dot))):
        called = dot.expression
        if not function_name(called):
            continue
        called.set("expressions", [_as_column(dot.this), *called.expressions])
        dot.replace(called)


def _as_column(node: Any) -> Any:
    from sqlglot import exp

    if isinstance(node, exp.Identifier):
        return exp.column(node.copy())
    is_pair = isinstance(node, exp.Dot) and isinstance(node.this, exp.Identifier)
    if is_pair and isinstance(node.expression, exp.Identifier):
        return exp.column(node.expression.copy(), table=node.this.copy())
    return node.copy()


def _unknown(column: Any, scopes: list[Scope]) -> Refused:
    """The refusal of a column: its qualifier is unknown, or the column itself."""
    if column.table and find_relation(column.table, scopes) is None:
        return unknown_alias(column.table, known_aliases(scopes))
    return unknown_column(column.sql().replace('"', ""), known_columns(scopes))


def _stands_for_text(node: Any) -> bool:
    """Whether a name in double quotes is compared with something, or given to a function."""
    from sqlglot import exp

    quoted = isinstance(node.this, exp.Identifier) and node.this.args.get("quoted")
    if not quoted or node.table:
        return False
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    parent = node.parent
    compares = isinstance(parent, exp.Predicate | exp.Binary)
    if compares and node.arg_key in ("expression", "expressions", "low", "high"):
        return True
    called = function_name(parent)
    if called:
        return called not in meanings("sqlite").aggregates
    return isinstance(parent, exp.Func) and not isinstance(parent, exp.Connector)
