"""A query's tree and a schema -> the same tree with every name resolved, or Refused.

Names are looked up as SQL does: CTEs and aliases before tables, the inner query before the outer
ones. Real names are written quoted and in the database's own spelling, so that neither case nor a
reserved word can change what is read. The first unknown name ends the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agents.databases.guard.refused import Refused, unknown_alias, unknown_column, unknown_table
from agents.databases.guard.scope import (
    Relation,
    Scope,
    by_name,
    find_meaning,
    find_relation,
    known_aliases,
    known_columns,
    output_names,
    renamed,
)
from agents.databases.schema import Schema
from workbench.messages import say

# names that only a server has: a CTE or alias of such a name could hide what is really read
SYSTEM = (
    "pg_",
    "sqlite_",
    "duckdb_",
    "pragma_",
    "information_schema",
    "performance_schema",
    "mysql",
    "sys.",
    "dbstat",
)

# (kind, node with an unknown name, the scopes in sight) -> what was meant, or None
Mend = Callable[[str, Any, list[Scope]], Any]


class Resolver:
    """Resolves one tree in place. `tables` and `columns` name afterwards what the query reads."""

    def __init__(self, schema: Schema, mend: Mend | None = None) -> None:
        self._schema = schema
        self._mend = mend or (lambda kind, node, scopes: None)
        self.tables: set[str] = set()
        self.columns: set[tuple[str, str]] = set()

    def query(
        self,
        node: Any,
        ctes: Mapping[str, Relation] | None = None,
        outer: list[Scope] | None = None,
    ) -> list[Any]:
        """Resolve a query; returns the identifiers of its columns, None for one without a name."""
        from sqlglot import exp

        outer = outer or []
        known = self._with(node, dict(ctes or {}), outer)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, known, outer)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, known, outer)
        if isinstance(node, exp.Select):
            return self._select(node, known, outer)
        kind = type(node).__name__
        raise Refused(say("{kind} is not a query that reads.", kind=kind))

    def _with(
        self, node: Any, ctes: dict[str, Relation], outer: list[Scope]
    ) -> dict[str, Relation]:
        """The CTEs in sight of a query: those given, and its own; each sees the earlier ones."""
        clause = node.args.get("with_")
        for cte in clause.expressions if clause else []:
            alias = cte.args["alias"]
            check_free(alias.name)
            columns = renamed(self.query(cte.this, ctes, outer), alias)
            ctes[alias.name.casefold()] = Relation(alias.this, columns)
        return ctes

    def _set_operation(self, node: Any, ctes: dict[str, Relation], outer: list[Scope]) -> list[Any]:
        left = self.query(node.this, ctes, outer)
        self.query(node.expression, ctes, outer)
        scope = Scope(aliases=by_name(left))  # ORDER BY sees the columns of the result only
        for part in ("order", "limit", "offset"):
            self._expression(node.args.get(part), ctes, [scope, *outer])
        return left

    def _select(self, node: Any, ctes: dict[str, Relation], outer: list[Scope]) -> list[Any]:
        from sqlglot import exp

        scope = Scope()
        scopes = [scope, *outer]
        joins: list[Any] = []
        if node.args.get("from_"):
            joins += self._add(node.args["from_"].this, scope, ctes, outer)
        for join in node.args.get("joins") or []:
            joins += [join, *self._add(join.this, scope, ctes, outer)]
        for item in node.expressions:
            if isinstance(item, exp.Alias):
                scope.aliases[item.alias.casefold()] = item.args["alias"]
        for key, part in node.args.items():
            if key == "joins":
                for join in joins:
                    self._join(join, ctes, scopes)
            elif key not in ("with_", "from_"):
                self._expression(part, ctes, scopes)
        return [name for item in node.expressions for name in output_names(item, scopes)]

    def _add(
        self, item: Any, scope: Scope, ctes: dict[str, Relation], outer: list[Scope]
    ) -> list[Any]:
        """Put one item of FROM into the scope; returns the joins that stand in its parentheses."""
        from sqlglot import exp

        in_parentheses = isinstance(item, exp.Subquery) and not item.alias
        if in_parentheses and isinstance(item.this, exp.Table | exp.Subquery):
            return self._add(item.this, scope, ctes, outer)
        relation = self._relation(item, scope, ctes, outer)
        if relation.alias is not None:
            check_free(relation.alias.name, relation.table)
        scope.add(relation)
        joins: list[Any] = []
        for join in item.args.get("joins") or []:
            joins += [join, *self._add(join.this, scope, ctes, outer)]
        return joins

    def _relation(
        self, item: Any, scope: Scope, ctes: dict[str, Relation], outer: list[Scope]
    ) -> Relation:
        from sqlglot import exp

        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            return self._table(item, ctes)
        if isinstance(item, exp.Subquery):
            columns = self.query(item.this, ctes, outer)
        elif isinstance(item, exp.Lateral) and isinstance(item.this, exp.Subquery):
            columns = self.query(item.this, ctes, [scope, *outer])  # it sees what stands before it
        else:
            raise Refused("A function or an expression stands where a table belongs.")
        alias = item.args.get("alias")
        return Relation(alias.this if item.alias else None, renamed(columns, alias))

    def _table(self, node: Any, ctes: dict[str, Relation]) -> Relation:
        """The relation of a table node, which may name a CTE. The node gets the real name."""
        from sqlglot import exp

        alias = node.args.get("alias")
        space = node.args.get("db")
        cte = ctes.get(node.name.casefold())
        if cte is not None and space is None:
            node.set("this", cte.alias.copy())
            columns = list(cte.columns.values())
            return Relation(alias.this if alias else cte.alias, renamed(columns, alias))
        table = self._find_table(node, space)
        self.tables.add(table.name)
        written = exp.to_identifier(table.own_name, quoted=True)
        own_space = self._schema.namespace if space is not None else ""
        namespace = table.namespace or own_space
        if namespace:
            node.set("db", exp.to_identifier(namespace, quoted=True))
        node.set("this", written)
        names = [exp.to_identifier(column.name, quoted=True) for column in table.columns]
        return Relation(alias.this if alias else written, renamed(names, alias), table.name)

    def _find_table(self, node: Any, space: Any) -> Any:
        """The table of the schema that a node means; raises Refused."""
        if space is not None and space.name.casefold() not in self._schema.namespaces:
            name = f"{space.name}.{node.name}"
            raise Refused(say("{name} is outside this source.", name=name), unknown=node.name)
        table = self._schema.find(node.name, space.name if space is not None else "")
        if table is None:
            better = self._mend("table", node, [])
            table = self._schema.table(better) if better else None
        if table is None:
            raise unknown_table(node.name, list(self._schema.by_name))
        return table

    def _join(self, join: Any, ctes: dict[str, Relation], scopes: list[Scope]) -> None:
        self._expression(join.args.get("on"), ctes, scopes)
        for name in join.args.get("using") or []:
            folded = name.name.casefold()
            own = [r for r in scopes[0].relations.values() if folded in r.columns]
            if not own:
                raise unknown_column(name.name, known_columns(scopes[:1]))
            name.replace(own[0].columns[folded].copy())

    def _expression(self, part: Any, ctes: dict[str, Relation], scopes: list[Scope]) -> None:
        """Resolve all columns and inner queries of an expression, a list of them, or nothing."""
        from sqlglot import exp

        if isinstance(part, list):
            for item in part:
                self._expression(item, ctes, scopes)
        elif isinstance(part, exp.Query):
            self.query(part, ctes, scopes)
        elif isinstance(part, exp.Column):
            self._column(part, scopes)
        elif isinstance(part, exp.Expr):
            for child in list(part.iter_expressions()):
                self._expression(child, ctes, scopes)

    def _column(self, node: Any, scopes: list[Scope]) -> None:
        from sqlglot import exp

        space = node.args.get("db")
        foreign = space is not None and space.name.casefold() not in self._schema.namespaces
        if foreign or node.args.get("catalog"):
            problem = say("{name} is outside this source.", name=node.sql())
            raise Refused(problem, unknown=node.name)
        meaning = find_meaning(node, scopes)
        if meaning is None and self._schema.dialect == "sqlite" and _stands_for_text(node):
            # SQLite reads "text" as a string where no column is so called
            node.replace(exp.Literal.string(node.name))
            return
        if meaning is None:
            meaning = self._mend("column", node, scopes)
        if meaning is None:
            raise _unknown(node, scopes)
        self._write(node, *meaning)

    def _write(self, node: Any, relation: Relation | None, name: Any) -> None:
        from sqlglot import exp

        if relation is not None and relation.table and isinstance(name, exp.Identifier):
            self.columns.add((relation.table, name.name))
        node.set("this", name.copy())
        node.set("db", None)
        if node.table and relation is not None and relation.alias is not None:
            node.set("table", relation.alias.copy())


def check_free(name: str, table: str = "") -> None:
    """Raises Refused for an alias that only a server's own table can have."""
    if name != table and name.casefold().startswith(SYSTEM):
        raise Refused(say("{name} is the name of a system table.", name=name))


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
    is_function = isinstance(parent, exp.Func)
    return is_function and not isinstance(parent, exp.AggFunc | exp.Connector)
