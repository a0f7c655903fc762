"""A query's tree and a schema -> the same tree with every name resolved, or Refused.

Names are looked up as SQL does: CTEs and aliases before tables, the inner query before the outer
ones. Names are written quoted, real ones in the database's own spelling, so that neither case nor a
reserved word can change what is read. The first unknown name ends the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.databases.guard.columns import Columns, Mend, given_by, restore_methods, restore_steps
from agents.databases.guard.refused import Refused, unknown_column, unknown_table
from agents.databases.guard.relations import function_columns, function_of, quoted, values_columns
from agents.databases.guard.scope import (
    Relation,
    Scope,
    by_name,
    known_columns,
    names_of,
    output_names,
    quote,
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


class Resolver:
    """Resolves one tree in place. `tables` and `columns` name afterwards what the query reads."""

    def __init__(self, schema: Schema, mend: Mend | None = None) -> None:
        self._schema = schema
        self._mend = mend or (lambda kind, node, scopes: None)
        self._columns = Columns(schema, self._mend)
        self.tables: set[str] = set()

    @property
    def columns(self) -> set[tuple[str, str]]:
        return self._columns.read

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
        if isinstance(node, exp.Values):
            self._expression(node.expressions, known, outer)
            return values_columns(node, self._schema.dialect)
        if isinstance(node, exp.Pivot):
            scope = Scope()
            self._add(node.this, scope, known, outer)
            return self._pivot(node, scope, known, outer)
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
            self._quote(alias)
            name = alias.name.casefold()
            if clause.args.get("recursive"):
                first = self.query(_first_member(cte.this), ctes, outer)
                ctes = ctes | {name: Relation(alias.this, renamed(first, alias))}
            columns = renamed(self.query(cte.this, ctes, outer), alias)
            ctes[name] = Relation(alias.this, columns)
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

        restore_methods(node)
        restore_steps(node)
        scope = Scope()
        scopes = [scope, *outer]
        joins: list[Any] = []
        if node.args.get("from_"):
            joins += self._add(node.args["from_"].this, scope, ctes, outer)
        for join in node.args.get("joins") or []:
            joins += [join, *self._add(join.this, scope, ctes, outer)]
        for item in node.expressions:
            if isinstance(item, exp.Alias):
                alias = quote(item.args["alias"], self._schema.dialect)
                scope.aliases[alias.name.casefold()] = alias
        for key, part in node.args.items():
            if key == "joins":
                for join in joins:
                    self._join(join, ctes, scopes)
            elif key not in ("with_", "from_"):
                self._expression(part, ctes, scopes)
        dialect = self._schema.dialect
        return [name for item in node.expressions for name in output_names(item, scopes, dialect)]

    def _add(
        self, item: Any, scope: Scope, ctes: dict[str, Relation], outer: list[Scope]
    ) -> list[Any]:
        """Put one item of FROM into the scope; returns the joins that stand in its parentheses."""
        from sqlglot import exp

        in_parentheses = isinstance(item, exp.Subquery) and not item.alias
        if in_parentheses and isinstance(item.this, exp.Table | exp.Subquery):
            joins = self._add(item.this, scope, ctes, outer)
        else:
            relation = self._relation(item, scope, ctes, outer)
            for pivot in item.args.get("pivots") or []:
                relation = self._pivoted(pivot, relation, ctes, outer)
            if relation.alias is not None:
                check_free(relation.alias.name, relation.table)
            scope.add(relation)
            joins = []
        for join in item.args.get("joins") or []:
            joins += [join, *self._add(join.this, scope, ctes, outer)]
        return joins

    def _relation(
        self, item: Any, scope: Scope, ctes: dict[str, Relation], outer: list[Scope]
    ) -> Relation:
        from sqlglot import exp

        alias = item.args.get("alias")
        if alias is not None:
            self._quote(alias)
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier):
            return self._table(item, ctes)
        before = [scope, *outer]  # what a function or LATERAL sees: all that stands before it
        function = function_of(item)
        if function is not None:
            self._expression(list(function.iter_expressions()), ctes, before)
            columns = function_columns(item, function, self._schema.dialect)
            called = quoted("unnest" if function.key == "unnest" else function.name.lower())
            return Relation(alias.this if item.alias else called, renamed(columns, alias))
        if isinstance(item, exp.Subquery):
            in_sight = before if self._schema.dialect == "duckdb" else outer
            columns = self.query(item.this, ctes, in_sight)
        elif isinstance(item, exp.Values):
            columns = self.query(item, ctes, outer)
        elif isinstance(item, exp.Lateral) and isinstance(item.this, exp.Subquery):
            columns = self.query(item.this, ctes, before)
        else:
            raise Refused("A function or an expression stands where a table belongs.")
        return Relation(alias.this if item.alias else None, renamed(columns, alias))

    def _pivoted(
        self, pivot: Any, relation: Relation, ctes: dict[str, Relation], outer: list[Scope]
    ) -> Relation:
        """The relation that a PIVOT or UNPIVOT behind another one makes of it."""
        scope = Scope()
        scope.add(relation)
        columns = self._pivot(pivot, scope, ctes, outer)
        alias = pivot.args.get("alias")
        if alias is not None:
            self._quote(alias)
        return Relation(alias.this if alias else relation.alias, renamed(columns, alias))

    def _pivot(
        self, pivot: Any, scope: Scope, ctes: dict[str, Relation], outer: list[Scope]
    ) -> list[Any]:
        """Resolve a pivot; the names of its columns are known to the server alone."""
        from sqlglot import exp

        for name in list(given_by(pivot)):
            name.replace(quoted(name.name))
        for key, part in pivot.args.items():
            if key not in ("this", "alias", "into"):
                self._expression(part, ctes, [scope, *outer])
        return [exp.Star()]

    def _table(self, node: Any, ctes: dict[str, Relation]) -> Relation:
        """The relation of a table node, which may name a CTE. The node gets the real name."""
        from sqlglot import exp

        alias = node.args.get("alias")
        space = node.args.get("db")
        cte = ctes.get(node.name.casefold())
        if cte is not None and space is None:
            node.set("this", cte.alias.copy())
            columns = names_of(cte)
            return Relation(alias.this if alias else cte.alias, renamed(columns, alias))
        if self._schema.dialect == "mysql" and space is None and _is_dual(node):
            node.set("this", exp.var("DUAL"))
            return Relation(None, {})
        table = self._find_table(node, space)
        self.tables.add(table.name)
        written = quoted(table.own_name)
        own_space = self._schema.namespace if space is not None else ""
        namespace = table.namespace or own_space
        if namespace:
            node.set("db", quoted(namespace))
        node.set("this", written)
        names = [quoted(column.name) for column in table.columns]
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
            self._columns.resolve(part, scopes)
        elif isinstance(part, exp.Lambda | exp.Comprehension):
            names = [quote(name, self._schema.dialect) for name in given_by(part)]
            inner = Scope(aliases=by_name(names))
            self._expression(list(part.iter_expressions()), ctes, [inner, *scopes])
        elif isinstance(part, exp.PropertyEQ | exp.Kwarg):
            self._expression(part.expression, ctes, scopes)  # before it stands a name that it gives
        elif isinstance(part, exp.Expr):
            for child in list(part.iter_expressions()):
                self._expression(child, ctes, scopes)

    def _quote(self, alias: Any) -> None:
        """Quote the names that an alias gives."""
        from sqlglot import exp

        for part in [alias.this, *(alias.args.get("columns") or [])]:
            name = part.this if isinstance(part, exp.ColumnDef) else part
            if isinstance(name, exp.Identifier):
                quote(name, self._schema.dialect)


def _is_dual(node: Any) -> bool:
    """Whether a table is the word that stands for none in MySQL."""
    return node.name.upper() == "DUAL" and not node.this.args.get("quoted")


def _first_member(query: Any) -> Any:
    """The first of the queries that UNION puts together."""
    from sqlglot import exp

    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return query


def check_free(name: str, table: str = "") -> None:
    """Raises Refused for an alias that only a server's own table can have."""
    if name != table and name.casefold().startswith(SYSTEM):
        raise Refused(say("{name} is the name of a system table.", name=name))
