"""What stands in FROM and is no table -> the names of its columns: functions, VALUES, pivots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agents.databases.guard.allowed import meanings
from agents.databases.guard.nodes import function_name
from agents.databases.guard.refused import Refused
from workbench.messages import say

FIRST = {"postgres": "column", "sqlite": "column", "duckdb": "col"}  # how VALUES' columns are named


def function_of(item: Any) -> Any:
    """The function that stands in FROM, also behind LATERAL; None where there is something else."""
    from sqlglot import exp

    if isinstance(item, exp.Unnest | exp.JSONTable):
        return item
    if isinstance(item, exp.Table | exp.Lateral):
        inner = item.this
        if isinstance(inner, exp.Anonymous | exp.Unnest | exp.JSONTable):
            return inner
    return None


def function_columns(item: Any, function: Any, dialect: str) -> list[Any]:
    """The identifiers of a function's columns as the query may name them; raises Refused."""
    from sqlglot import exp

    if isinstance(function, exp.JSONTable):
        return list(_json_columns(function.args["schema"]))
    name = "unnest" if isinstance(function, exp.Unnest) else function_name(function)
    columns = meanings(dialect).tables.get(name)
    if columns is None:
        raise Refused(
            say("The function {name} stands where a table belongs.", name=name),
            say("Such a place is for: {names}.", names=", ".join(meanings(dialect).tables)),
        )
    identifiers = [quoted(column) for column in columns]
    alias = item.args.get("alias")
    if dialect == "postgres" and columns == (name,) and alias is not None and alias.this:
        identifiers = [quoted(alias.name)]  # a column without a name of its own has the alias's
    place = function.args.get("offset")  # a name, where the alias gives one
    if isinstance(place, exp.Identifier):
        identifiers.append(place)
    elif item.args.get("ordinality") or place:
        identifiers.append(quoted("ordinality"))
    return identifiers


def _json_columns(schema: Any) -> Iterator[Any]:
    """The columns of MySQL's JSON_TABLE, those of nested paths too."""
    from sqlglot import exp

    for column in schema.expressions:
        if column.args.get("nested_schema"):
            yield from _json_columns(column.args["nested_schema"])
        elif isinstance(column.this, exp.Identifier):
            yield column.this
        else:
            yield quoted(column.name)


def values_columns(values: Any, dialect: str) -> list[Any]:
    """The names that VALUES gives its columns; MySQL has none that could be asked for."""
    first = values.expressions[0]
    count = len(first.expressions) or 1
    stem = FIRST.get(dialect)
    begin = 0 if dialect == "duckdb" else 1
    return [quoted(f"{stem}{begin + n}") if stem else None for n in range(count)]


def quoted(name: str) -> Any:
    from sqlglot import exp

    return exp.to_identifier(name, quoted=True)
