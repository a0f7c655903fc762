"""The text of a query -> a verdict: what may run is the tree printed again, or Refused.

The tree is allowed by list (`allowed.py`, `nodes.py`), bounded where it could grow (`bounds.py`),
resolved by name (`names.py`), printed, parsed again and judged again: the second reading must find
what the first one allowed. A text that cannot be parsed is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.databases.guard.bounds import bound_recursion, bound_series, has_recursion
from agents.databases.guard.columns import Mend
from agents.databases.guard.names import Resolver
from agents.databases.guard.nodes import check_node, kind_name
from agents.databases.guard.reading import reader
from agents.databases.guard.refused import NoSelect, Refused
from agents.databases.guard.sizes import check_sizes
from agents.databases.schema import Schema
from workbench.messages import say

ROWS = 10  # rows that a query may give out, unless the person raises it
LONGEST = 20_000  # characters of a statement
WHOLE = "whole"  # the alias of a query that is put into another one
DIALECTS = ("mysql", "postgres", "sqlite", "duckdb")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
PIVOT = re.compile(r"\s*(UN)?PIVOT\b", re.IGNORECASE)
EXECUTED_COMMENTS = ("!", "M!", "m!")  # MySQL and MariaDB run what stands in such a comment
COLOURS = re.compile(r"\x1b\[\d*m")  # which sqlglot puts into its messages


@dataclass(frozen=True)
class Verdict:
    """`sql` is what runs. `more` asks for one row more, where the guard set the limit.

    The row too many shows that the result is truncated. `limit` is the number of rows that the
    query may give: the guard's, or its own where that is lower. `recursive` says that a recursion
    is read up to the guard's bound.
    """

    sql: str
    more: str | None
    limit: int
    tables: frozenset[str]
    columns: frozenset[tuple[str, str]]
    recursive: bool = False


def judge(
    sql: str, schema: Schema, dialect: str = "", rows: int = ROWS, mend: Mend | None = None
) -> Verdict:
    """The verdict on a query that may run; raises Refused. `mend` may replace unknown names."""
    dialect = dialect or schema.dialect
    if dialect not in DIALECTS:
        raise Refused(
            say("There is no dialect {dialect}.", dialect=dialect),
            say("Use one of: {known}.", known=", ".join(DIALECTS)),
        )
    try:
        tree, resolver = _allow(read(sql, dialect), schema, dialect, mend)
        imposed, limit = _limit(tree, rows)
        printed = _print(tree, dialect)
        again, _ = _allow(read(printed, dialect), schema, dialect)
        if _print(again, dialect) != printed:
            raise Refused("The statement changes when it is read again.")
        check_sizes(parse(printed, dialect), schema, dialect)
    except RecursionError as error:
        raise Refused("The statement is nested too deeply.") from error
    except IndexError as error:  # sizes need arguments that are missing
        raise Refused("A function has fewer arguments than it needs.") from error
    more = None
    if imposed:
        _set_limit(tree, rows + 1)
        more = _print(tree, dialect)
    names = frozenset(resolver.tables), frozenset(resolver.columns)
    return Verdict(printed, more, limit, *names, recursive=has_recursion(tree))


def first_query(schema: Schema, name: str = "", columns: Sequence[str] = ()) -> str:
    """Something to begin with: columns of a table, their names quoted as the dialect wants them.

    Without a name the first table, without columns all of them. Empty where there is no table.
    """
    from sqlglot import exp

    if not schema.tables:
        return ""
    chosen = schema.by_name[name] if name else schema.tables[0]
    parts = [exp.to_identifier(part, quoted=True) for part in chosen.parts]
    table = exp.Table(this=parts[-1], db=parts[0] if len(parts) > 1 else None)
    wanted: list[Any] = [exp.column(column, quoted=True) for column in columns]
    return exp.select(*wanted or ["*"]).from_(table).sql(schema.dialect)


def rename(tree: Any, schema: Schema, mend: Mend) -> str:
    """A parsed query printed with real names; `mend` replaces unknown ones. Raises Refused."""
    allowed, _ = _allow(tree, schema, schema.dialect, mend)
    return _print(allowed, schema.dialect)


def _allow(
    tree: Any, schema: Schema, dialect: str, mend: Mend | None = None
) -> tuple[Any, Resolver]:
    """The tree with its names resolved, once everything in it is on the lists."""
    from sqlglot import exp

    while isinstance(tree, exp.Subquery) and not tree.alias:  # parentheses around the whole
        check_node(tree, dialect)
        tree = tree.this
    if _needs_select(tree):
        alias = exp.TableAlias(this=exp.to_identifier(WHOLE))
        tree = exp.select("*").from_(exp.Subquery(this=tree, alias=alias))
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise NoSelect(say("Only a SELECT may run, not {kind}.", kind=kind_name(tree)))
    for node in tree.walk():
        check_node(node, dialect)
    bound_recursion(tree, dialect)
    bound_series(tree, dialect)
    resolver = Resolver(schema, mend)
    resolver.query(tree)
    return tree, resolver


def _needs_select(tree: Any) -> bool:
    """Whether a query has no room for a row limit: a pivot, or one whose own limit is no number."""
    from sqlglot import exp

    if isinstance(tree, exp.Pivot):
        return True
    limit = tree.args.get("limit")
    if limit is None:
        return False
    options = limit.args.get("limit_options")
    if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
        return True
    wanted = limit.args.get("count" if isinstance(limit, exp.Fetch) else "expression")
    return not isinstance(wanted, exp.Literal | exp.Var | exp.Null | None)


def read(sql: str, dialect: str) -> Any:
    """The tree of exactly one statement, functions left as they are written; raises Refused."""
    return parse(_behind_from(sql, dialect), dialect, reader(dialect))


def _behind_from(sql: str, dialect: str) -> str:
    """DuckDB's `PIVOT … ORDER BY …` as `FROM (PIVOT …) ORDER BY …`, which sqlglot can read."""
    if not PIVOT.match(sql):
        return sql
    try:
        tokens = reader(dialect).tokenize(sql)
    except ValueError:
        return sql
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.text.upper() in ("ORDER BY", "LIMIT"):
            return f"FROM ({sql[: token.start]}) AS {WHOLE} {sql[token.start :]}"
    return sql


def parse(sql: str, dialect: str, known: Any = None) -> Any:
    """The tree of exactly one statement, with sqlglot's classes of functions; raises Refused.

    It shows what a query means. What may run is judged of the tree that `read` gives.
    """
    from sqlglot import Dialect
    from sqlglot.errors import SqlglotError

    if len(sql) > LONGEST:
        raise Refused(
            say("The statement is longer than {characters} characters.", characters=LONGEST)
        )
    if CONTROL.search(sql):
        raise Refused("The statement holds control characters.")
    known = known or Dialect.get_or_raise(dialect)
    try:
        tokens = known.tokenize(sql)
        _check_comments(tokens)
        trees = [tree for tree in known.parser().parse(tokens, sql) if tree is not None]
    except (SqlglotError, *SLIPS) as error:
        raise Refused(
            say(
                "This cannot be read as {dialect} SQL: {reason}",
                dialect=dialect,
                reason=_first_line(error),
            )
        ) from error
    if len(trees) > 1:
        raise Refused("Exactly one statement may run.")
    if not trees:
        raise Refused("There is no statement.")
    return trees[0]


# what sqlglot itself raises by mistake for texts that nobody expects
SLIPS = (ValueError, TypeError, AttributeError, IndexError, KeyError)


def _first_line(error: Exception) -> str:
    lines = COLOURS.sub("", str(error)).splitlines()
    return lines[0] if lines else type(error).__name__


def _check_comments(tokens: list[Any]) -> None:
    for token in tokens:
        for comment in token.comments:
            if comment.lstrip().startswith(EXECUTED_COMMENTS):
                raise Refused("The statement holds a comment that the server would execute.")


def _print(tree: Any, dialect: str) -> str:
    from sqlglot.errors import ErrorLevel, SqlglotError

    try:
        return tree.sql(reader(dialect), comments=False, unsupported_level=ErrorLevel.RAISE)
    except (SqlglotError, *SLIPS) as error:
        raise Refused(
            say(
                "The statement cannot be printed as {dialect} SQL: {reason}",
                dialect=dialect,
                reason=_first_line(error),
            )
        ) from error


def _limit(tree: Any, rows: int) -> tuple[bool, int]:
    """Set or lower the row limit. Returns whether rows may be missing by it, and the limit."""
    from sqlglot import exp

    limit = tree.args.get("limit")
    wanted = None
    if limit is not None:
        wanted = limit.args.get("count" if isinstance(limit, exp.Fetch) else "expression")
    if isinstance(wanted, exp.Literal) and str(wanted.this).isdecimal():
        own = int(wanted.this)
        if own <= rows:
            _set_limit(tree, own)
            return False, own
    _set_limit(tree, rows)
    return True, rows


def _set_limit(tree: Any, rows: int) -> None:
    from sqlglot import exp

    tree.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
