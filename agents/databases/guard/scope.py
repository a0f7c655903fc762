"""What the names of one SELECT can mean: its relations with their columns, and its own aliases.

sqlglot has scopes too (`sqlglot.optimizer.scope`). They compare names with their case, leave out
the columns of HAVING, and drop one of two relations without an alias. A guard must see every name
that the database sees, so it keeps its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.databases.guard.nodes import function_name
from agents.databases.guard.refused import Refused
from workbench.messages import say


@dataclass
class Relation:
    """A table, CTE or inner query of a FROM clause; `table` is its real name if it is a table.

    `alias` is the identifier that the query calls it by, or None. `columns` maps folded names to
    identifiers.
    """

    alias: Any
    columns: Mapping[str, Any]
    table: str = ""


@dataclass
class Scope:
    """The relations and aliases of one SELECT, by folded name."""

    relations: dict[str, Relation] = field(default_factory=dict)
    aliases: dict[str, Any] = field(default_factory=dict)

    def add(self, relation: Relation) -> None:
        """Raises Refused where another table has that name already."""
        if relation.alias is None:
            name = f"\0{len(self.relations)}"  # no query can write this name
        else:
            name = relation.alias.name.casefold()
        other = self.relations.get(name)
        if other and other.table != relation.table:
            raise Refused(
                say("Two tables are called {name} here.", name=name), "Give each of them an alias."
            )
        self.relations[name] = relation


class AnyName(dict[str, Any]):
    """The columns of a relation whose names only the rows tell, as those of a pivot."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Any:
        from sqlglot import exp

        return exp.to_identifier(name, quoted=True)


# what a column means: its relation (None for an alias of the SELECT list) and its identifier
Meaning = tuple[Relation | None, Any]


def by_name(identifiers: Iterable[Any]) -> dict[str, Any]:
    """Identifiers by folded name; of two with the same name the first counts.

    A star among them stands for columns whose names are not known.
    """
    from sqlglot import exp

    known = list(identifiers)
    is_open = any(isinstance(identifier, exp.Star) for identifier in known)
    found: dict[str, Any] = AnyName() if is_open else {}
    for identifier in known:
        if identifier is not None and not isinstance(identifier, exp.Star):
            found.setdefault(identifier.name.casefold(), identifier)
    return found


def quote(identifier: Any, dialect: str) -> Any:
    """Quote a name that the query gives, in place, so that no keyword can stand in for it.

    PostgreSQL writes names small that are not quoted.
    """
    if not identifier.args.get("quoted"):
        if dialect == "postgres":
            identifier.set("this", identifier.name.lower())
        identifier.set("quoted", True)
    return identifier


def renamed(identifiers: list[Any], alias: Any) -> dict[str, Any]:
    """Columns by folded name, under the names of `alias(a, b)` where it gives some."""
    given = list(alias.args.get("columns") or []) if alias is not None else []
    names = [column if column.key == "identifier" else column.this for column in given]
    return by_name([*names, *identifiers[len(names) :]])


def names_of(relation: Relation) -> list[Any]:
    """The identifiers of a relation's columns; a star among them stands for unknown ones."""
    from sqlglot import exp

    names = list(relation.columns.values())
    return [*names, exp.Star()] if _is_open(relation) else names


def find_relation(name: str, scopes: list[Scope]) -> Relation | None:
    """The relation of that name, the innermost first."""
    folded = name.casefold()
    for scope in scopes:
        if folded in scope.relations:
            return scope.relations[folded]
    return None


def find_meaning(column: Any, scopes: list[Scope]) -> Meaning | None:
    """What a column node means, the innermost query first, or None where nothing is so called."""
    from sqlglot import exp

    wanted = column.name.casefold()
    if column.table:
        relation = find_relation(column.table, scopes)
        if relation is None:
            return None
        if isinstance(column.this, exp.Star):
            return relation, column.this
        return (relation, relation.columns[wanted]) if wanted in relation.columns else None
    for scope in scopes:
        relations = sorted(scope.relations.values(), key=_is_open)
        for relation in relations:
            if wanted in relation.columns:
                return relation, relation.columns[wanted]
        if wanted in scope.aliases:
            return None, scope.aliases[wanted]
    return None


def _is_open(relation: Relation) -> bool:
    return isinstance(relation.columns, AnyName)


def output_names(item: Any, scopes: list[Scope], dialect: str) -> list[Any]:
    """The identifiers of the columns that one item of a SELECT list gives; None for no name.

    A star among them stands for columns whose names are not known.
    """
    from sqlglot import exp

    if isinstance(item, exp.Alias):
        return [item.args["alias"]]
    if isinstance(item, exp.Star):
        return _without_except(item, list(scopes[0].relations.values()))
    if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
        found = find_relation(item.table, scopes)  # of an outer query, perhaps
        return _without_except(item.this, [found]) if found else [exp.Star()]
    if isinstance(item, exp.Column):
        return [item.this]
    own = item.walk(prune=lambda node: isinstance(node, exp.Query))
    if dialect == "duckdb" and any(_makes_columns(part) for part in own):
        return [exp.Star()]
    if dialect == "postgres" and function_name(item):  # a column without a name has the function's
        return [exp.to_identifier(function_name(item), quoted=True)]
    return [None]


def _makes_columns(node: Any) -> bool:
    """Whether the node stands for several columns: COLUMNS(…), UNNEST(…), * LIKE 'a%'."""
    from sqlglot import exp

    star = isinstance(node, exp.Star) and not isinstance(node.parent, exp.Anonymous)
    return star or isinstance(node, exp.Columns) or function_name(node) == "unnest"


def _without_except(star: Any, relations: list[Relation]) -> list[Any]:
    """The columns of a star, which may leave some out and give others a new name."""
    from sqlglot import exp

    left_out = {part.name.casefold() for part in star.args.get("except_") or []}
    new = {part.this.name.casefold(): part.args["alias"] for part in star.args.get("rename") or []}
    names: list[Any] = []
    for relation in relations:
        names += [
            new.get(folded, name)
            for folded, name in relation.columns.items()
            if folded not in left_out
        ]
        if _is_open(relation):
            names.append(exp.Star())
    return names


def known_columns(scopes: list[Scope]) -> list[str]:
    """The names of all columns in sight, the nearest first."""
    names: dict[str, None] = {}
    for scope in scopes:
        for relation in scope.relations.values():
            names |= {identifier.name: None for identifier in relation.columns.values()}
    return list(names)


def known_aliases(scopes: list[Scope]) -> list[str]:
    """What the relations in sight are called."""
    relations = [relation for scope in scopes for relation in scope.relations.values()]
    return [relation.alias.name for relation in relations if relation.alias is not None]
