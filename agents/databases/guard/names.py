"""A query's tree and a schema -> the same tree with every name resolved to the real one, or Refused at the first unknown.

Names are looked up as SQL does: CTEs and aliases before tables, the inner query before the outer ones. Real names are
written quoted and in the database's own spelling, so that neither case nor a reserved word can change what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from agents.databases.schema import Schema
from workbench.errors import InvalidInput

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


class Refused(InvalidInput):
    """The query may not run. `unknown` is the name that is not there, if that is the reason."""

    def __init__(self, problem: str, fix: str = "", unknown: str = "") -> None:
        super().__init__(
            problem, fix or "Ask for the data with one plain SELECT over the tables of this source."
        )
        self.unknown = unknown


@dataclass
class Source:
    """One row source of a FROM clause: its alias, its columns by folded name, and its table if it is one."""

    alias: Any
    columns: Mapping[str, Any]
    table: str = ""


@dataclass
class Frame:
    """What the expressions of one SELECT can see, by folded name."""

    sources: dict[str, Source] = field(default_factory=dict)
    aliases: dict[str, Any] = field(default_factory=dict)


# (kind, written name, the frames in sight) -> a replacement, or None
Mend = Callable[[str, Any, list[Frame]], Any]


class Resolver:
    """Resolves one tree in place. `tables` and `columns` name afterwards what the query reads."""

    def __init__(self, schema: Schema, mend: Mend | None = None) -> None:
        self._schema = schema
        self._mend = mend or (lambda kind, node, frames: None)
        self.tables: set[str] = set()
        self.columns: set[tuple[str, str]] = set()

    def query(
        self, node: Any, ctes: Mapping[str, Source] | None = None, outer: list[Frame] | None = None
    ) -> list[Any]:
        """Resolve a query expression; returns the identifiers of its output columns, None for one without a name."""
        from sqlglot import exp

        ctes, outer = dict(ctes or {}), outer or []
        if clause := node.args.get("with_"):
            for cte in clause.expressions:
                alias = cte.args["alias"]
                check_free(alias.name)
                columns = _renamed(self.query(cte.this, ctes, outer), alias)
                ctes[alias.name.casefold()] = Source(alias.this, columns)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, ctes, outer)
        if isinstance(node, exp.SetOperation):
            left = self.query(node.this, ctes, outer)
            self.query(node.expression, ctes, outer)
            frame = Frame(aliases=_by_name(left))
            for part in ("order", "limit", "offset"):
                self._expression(node.args.get(part), ctes, [frame, *outer])
            return left
        if isinstance(node, exp.Select):
            return self._select(node, ctes, outer)
        raise Refused(f"{type(node).__name__} is not a query that reads.")

    def _select(self, node: Any, ctes: dict[str, Source], outer: list[Frame]) -> list[Any]:
        from sqlglot import exp

        frame = Frame()
        joins = list(node.args.get("joins") or [])
        if clause := node.args.get("from_"):
            self._source(clause.this, frame, ctes, outer, joins)
        for join in joins:
            self._source(join.this, frame, ctes, outer, joins)
        frame.aliases = {
            item.alias.casefold(): item.args["alias"]
            for item in node.expressions
            if isinstance(item, exp.Alias)
        }
        for key, part in node.args.items():
            if key == "joins":
                for join in joins:
                    self._join(join, frame, ctes, outer)
            elif key not in ("with_", "from_"):
                self._expression(part, ctes, [frame, *outer])
        return [name for item in node.expressions for name in _output(item, [frame, *outer])]

    def _source(
        self, node: Any, frame: Frame, ctes: dict[str, Source], outer: list[Frame], joins: list[Any]
    ) -> None:
        """Add one item of FROM to the frame; the joins inside parentheses are added to `joins`."""
        from sqlglot import exp

        inner = list(node.args.get("joins") or [])
        if (
            isinstance(node, exp.Subquery)
            and isinstance(node.this, exp.Table | exp.Subquery)
            and not node.alias
        ):
            self._source(node.this, frame, ctes, outer, joins)  # parentheses around a join
            return
        if isinstance(node, exp.Subquery):
            columns = _renamed(self.query(node.this, ctes, outer), node.args.get("alias"))
            found = Source(node.args["alias"].this if node.alias else None, columns)
        elif isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            columns = _renamed(self.query(node.this, ctes, [frame, *outer]), node.args.get("alias"))
            found = Source(node.args["alias"].this if node.alias else None, columns)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            found = self._table(node, ctes)
        else:
            raise Refused("A function or an expression stands where a table belongs.")
        if found.alias is not None:
            check_free(found.alias.name, found.table)
        name = found.alias.name.casefold() if found.alias is not None else f"\0{len(frame.sources)}"
        if (other := frame.sources.get(name)) and other.table != found.table:
            raise Refused(f"Two tables are called {name} here.", "Give each of them an alias.")
        frame.sources[name] = found
        for join in inner:
            joins.append(join)

    def _table(self, node: Any, ctes: dict[str, Source]) -> Source:
        from sqlglot import exp

        alias = node.args.get("alias")
        space = node.args.get("db")
        if space is None and (cte := ctes.get(node.name.casefold())):
            node.set("this", cte.alias.copy())
            columns: Mapping[str, Any] = (
                _renamed(list(cte.columns.values()), alias) if alias else cte.columns
            )
            return Source(alias.this if alias else cte.alias, columns)
        if space is not None and space.name.casefold() not in self._schema.namespaces:
            raise Refused(f"{space.name}.{node.name} is outside this source.", unknown=node.name)
        table = self._schema.find(node.name, space.name if space is not None else "")
        if table is None and (better := self._mend("table", node, [])):
            table = self._schema.table(better)
        if table is None:
            raise unknown_name("table", node.name, list(self._schema.by_name))
        self.tables.add(table.name)
        written = exp.to_identifier(table.own_name, quoted=True)
        if namespace := table.namespace or (self._schema.namespace if space is not None else ""):
            node.set("db", exp.to_identifier(namespace, quoted=True))
        node.set("this", written)
        names = [exp.to_identifier(column.name, quoted=True) for column in table.columns]
        return Source(alias.this if alias else written, _renamed(names, alias), table.name)

    def _join(self, join: Any, frame: Frame, ctes: dict[str, Source], outer: list[Frame]) -> None:
        self._expression(join.args.get("on"), ctes, [frame, *outer])
        for name in join.args.get("using") or []:
            real = next(
                (
                    s.columns[k]
                    for s in frame.sources.values()
                    if (k := name.name.casefold()) in s.columns
                ),
                None,
            )
            if real is None:
                raise unknown_name("column", name.name, _all_columns([frame]))
            name.replace(real.copy())

    def _expression(self, part: Any, ctes: dict[str, Source], frames: list[Frame]) -> None:
        """Resolve all columns and inner queries of an expression, a list of them, or nothing."""
        from sqlglot import exp

        if isinstance(part, list):
            for item in part:
                self._expression(item, ctes, frames)
        elif isinstance(part, exp.Query):
            self.query(part, ctes, frames)
        elif isinstance(part, exp.Column):
            self._column(part, frames)
        elif isinstance(part, exp.Expr):
            for child in list(part.iter_expressions()):
                self._expression(child, ctes, frames)

    def _column(self, node: Any, frames: list[Frame]) -> None:
        from sqlglot import exp

        space = node.args.get("db")
        if node.args.get("catalog") or (
            space and space.name.casefold() not in self._schema.namespaces
        ):
            raise Refused(f"{node.sql()} is outside this source.", unknown=node.name)
        if found := self._find(node, frames):
            return self._write(node, *found)
        if self._schema.dialect == "sqlite" and _stands_for_text(node):
            node.replace(
                exp.Literal.string(node.name)
            )  # SQLite reads "text" as a string where no column is so called
            return None
        if better := self._mend("column", node, frames):
            return self._write(node, *better)
        if node.table and not any(node.table.casefold() in frame.sources for frame in frames):
            known = [
                source.alias.name
                for frame in frames
                for source in frame.sources.values()
                if source.alias
            ]
            raise unknown_name("table or alias", node.table, known)
        raise unknown_name("column", node.sql().replace('"', ""), _all_columns(frames))

    def _find(self, node: Any, frames: list[Frame]) -> tuple[Source | None, Any] | None:
        """The source and identifier that a column means, innermost query first."""
        from sqlglot import exp

        wanted, table = node.name.casefold(), node.table.casefold()
        star = isinstance(node.this, exp.Star)
        for frame in frames:
            if table:
                if source := frame.sources.get(table):
                    if star:
                        return source, node.this
                    return (source, source.columns[wanted]) if wanted in source.columns else None
                continue
            for source in frame.sources.values():
                if wanted in source.columns:
                    return source, source.columns[wanted]
            if wanted in frame.aliases:
                return None, frame.aliases[wanted]
        return None

    def _write(self, node: Any, source: Source | None, name: Any) -> None:
        from sqlglot import exp

        if source is not None and source.table and isinstance(name, exp.Identifier):
            self.columns.add((source.table, name.name))
        node.set("this", name.copy())
        node.set("db", None)
        if node.table and source is not None and source.alias is not None:
            node.set("table", source.alias.copy())


def unknown_name(kind: str, name: str, known: list[str]) -> Refused:
    """The refusal of a name that is not there, with the nearest that are."""
    near = near_names(name.rpartition(".")[2], known)
    fix = f"Did you mean {', '.join(near)}?" if near else f"There are: {', '.join(known[:20])}."
    return Refused(f"There is no {kind} {name} here.", fix, name)


def near_names(name: str, known: list[str], count: int = 3) -> list[str]:
    folded = {entry.casefold(): entry for entry in reversed(known)}
    return [folded[found] for found in get_close_matches(name.casefold(), list(folded), count, 0.5)]


def check_free(name: str, table: str = "") -> None:
    """Raises Refused for an alias that only a server's own table can have."""
    if name != table and name.casefold().startswith(SYSTEM):
        raise Refused(f"{name} is the name of a system table.")


def _stands_for_text(node: Any) -> bool:
    """Whether a name in double quotes stands where a value is compared with, or is given to a function."""
    from sqlglot import exp

    if not isinstance(node.this, exp.Identifier) or not node.this.args.get("quoted") or node.table:
        return False
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    parent = node.parent
    compared = isinstance(parent, exp.Predicate | exp.Binary) and node.arg_key in (
        "expression",
        "expressions",
        "low",
        "high",
    )
    return compared or (
        isinstance(parent, exp.Func) and not isinstance(parent, exp.AggFunc | exp.Connector)
    )


def _renamed(names: list[Any], alias: Any) -> dict[str, Any]:
    """Columns by folded name, under the names of `alias(a, b)` where it gives some."""
    given = list(alias.args.get("columns") or []) if alias is not None else []
    return _by_name([*given, *names[len(given) :]])


def _by_name(names: list[Any]) -> dict[str, Any]:
    return {name.name.casefold(): name for name in reversed(names) if name is not None}


def _output(item: Any, frames: list[Frame]) -> list[Any]:
    """The identifiers that one item of a SELECT list gives out."""
    from sqlglot import exp

    if isinstance(item, exp.Alias):
        return [item.args["alias"]]
    star = isinstance(item, exp.Star) or (
        isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
    )
    if star:
        sources = list(frames[0].sources.values())
        if item.args.get("table"):  # it may be of an outer query
            written = item.table.casefold()
            sources = [frame.sources[written] for frame in frames if written in frame.sources][:1]
        return [name for source in sources for name in source.columns.values()]
    return [item.this if isinstance(item, exp.Column) else None]


def _all_columns(frames: list[Frame]) -> list[str]:
    return list(
        dict.fromkeys(
            n.name for f in frames for s in f.sources.values() for n in s.columns.values()
        )
    )
