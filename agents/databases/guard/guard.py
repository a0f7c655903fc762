"""The text of a query -> a verdict: what may run is the tree printed anew, or the reason why nothing may.

The tree is allowed by list (`allowed.py`) and by name (`names.py`), printed, parsed again and judged again: what the
second reading finds must be what the first one allowed. What cannot be parsed is refused.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agents.databases.guard.allowed import (
    allowed_arguments,
    allowed_classes,
    allowed_types,
    further_functions,
)
from agents.databases.guard.names import Mend, Refused, Resolver
from agents.databases.schema import Schema

ROWS = 10  # rows that a query may give out, unless the person raises it
LONGEST = 20_000  # characters of a statement
DIALECTS = ("mysql", "postgres", "sqlite", "duckdb")
LONGEST_PAD = 1_000  # characters
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f\"`\\\[\]]")


@dataclass(frozen=True)
class Verdict:
    """`sql` is what runs. `more` is the same with one row more, where the guard set the limit: it tells of truncation.

    `limit` is the number of rows that the query may give: the guard's, or its own where that is lower.
    """

    sql: str
    more: str | None
    limit: int
    tables: frozenset[str]
    columns: frozenset[tuple[str, str]]


def check(
    sql: str, schema: Schema, dialect: str = "", rows: int = ROWS, mend: Mend | None = None
) -> Verdict:
    """The verdict on a query that may run; raises Refused. `mend` may replace names that are not there."""
    dialect = dialect or schema.dialect
    if dialect not in DIALECTS:
        raise Refused(f"There is no dialect {dialect}.", f"Use one of: {', '.join(DIALECTS)}.")
    try:
        tree, resolver = _judge(parse(sql, dialect), schema, dialect, mend)
        imposed, limit = _limit(tree, rows)
        printed = _print(tree, dialect)
        again, _ = _judge(parse(printed, dialect), schema, dialect)
        if _print(again, dialect) != printed:
            raise Refused("The statement reads differently when it is printed anew.")
    except RecursionError as error:
        raise Refused("The statement is nested too deeply.") from error
    more = None
    if imposed:
        _limit(tree, rows + 1, replace=True)
        more = _print(tree, dialect)
    return Verdict(printed, more, limit, frozenset(resolver.tables), frozenset(resolver.columns))


def rename(tree: Any, schema: Schema, mend: Mend) -> str:
    """A parsed query printed with its names resolved, where `mend` replaces those that are not there; raises Refused."""
    judged, _ = _judge(tree, schema, schema.dialect, mend)
    return _print(judged, schema.dialect)


def _judge(
    tree: Any, schema: Schema, dialect: str, mend: Mend | None = None
) -> tuple[Any, Resolver]:
    """The tree with its names resolved, once everything in it is on the lists."""
    from sqlglot import exp

    while isinstance(tree, exp.Subquery) and not tree.alias:
        _check_node(tree, dialect)
        tree = tree.this
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise Refused(f"Only a SELECT may run, not {_kind(tree)}.")
    for node in tree.walk():
        _check_node(node, dialect)
    resolver = Resolver(schema, mend)
    resolver.query(tree)
    return tree, resolver


def parse(sql: str, dialect: str) -> Any:
    """The tree of exactly one statement; raises Refused."""
    from sqlglot.errors import SqlglotError

    if len(sql) > LONGEST:
        raise Refused(f"The statement is longer than {LONGEST} characters.")
    if CONTROL.search(sql):
        raise Refused("The statement holds control characters.")
    speaker = _dialect(dialect)
    try:
        tokens = speaker.tokenize(sql)
        for token in tokens:
            if any(comment.lstrip().startswith(("!", "M!", "m!")) for comment in token.comments):
                raise Refused("The statement holds a comment that the server would execute.")
        trees = [tree for tree in speaker.parser().parse(tokens, sql) if tree is not None]
    except (
        SqlglotError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        KeyError,
    ) as error:  # sqlglot's own slips too
        reason = (
            re.sub(r"\x1b\[\d*m", "", str(error).splitlines()[0])
            if str(error)
            else type(error).__name__
        )
        raise Refused(f"This cannot be read as {dialect} SQL: {reason}") from error
    if len(trees) != 1:
        raise Refused("Exactly one statement may run." if trees else "There is no statement.")
    return trees[0]


def _print(tree: Any, dialect: str) -> str:
    from sqlglot.errors import ErrorLevel, SqlglotError

    try:
        return tree.sql(_dialect(dialect), comments=False, unsupported_level=ErrorLevel.RAISE)
    except (SqlglotError, ValueError, AttributeError, TypeError) as error:
        raise Refused(
            f"The statement cannot be printed as {dialect} SQL: {str(error).splitlines()[0]}"
        ) from error


def _check_node(node: Any, dialect: str) -> None:
    """Raises Refused for a node that is not on the lists, or has an argument that is not."""
    from sqlglot import exp

    kind = type(node)
    if kind is exp.Anonymous:
        if str(node.this).lower() not in further_functions(dialect) or not isinstance(
            node.this, str
        ):
            raise Refused(
                f"The function {node.name} is not on the list of functions that only read."
            )
        return
    if kind not in allowed_classes(dialect):
        raise Refused(f"{_kind(node)} is not on the list of what a query may hold.")
    if kind is exp.With and node.args.get("recursive"):
        raise Refused(
            "A recursive query may not run: it can grow without bound before a row is given out.",
            "Ask for one level after the other: join the table with itself once for each level.",
        )
    if (arguments := allowed_arguments().get(kind)) is not None:
        for name, value in node.args.items():
            if value and name not in arguments:
                raise Refused(f"{kind.__name__.upper()} may not have {name.strip('_')} here.")
    if kind is exp.Identifier and UNSAFE_IN_NAME.search(node.name):
        raise Refused("A name holds characters that could end it.")
    if kind is exp.Pad and not (
        node.expression.is_int and int(node.expression.this) <= LONGEST_PAD
    ):
        raise Refused(f"Text may be padded to at most {LONGEST_PAD} characters, given as a number.")
    if kind is exp.JSONPathKey and not re.fullmatch(r"\w+", str(node.this)):
        raise Refused("A JSON path may name plain keys only.")
    if kind is exp.Var and not re.fullmatch(r"\w+( \w+)*", str(node.this)):
        raise Refused("A keyword holds characters that do not belong there.")
    if kind is exp.DataType and node.this not in allowed_types():
        raise Refused(f"The type {node.sql()} is not on the list.")


def _limit(tree: Any, rows: int, replace: bool = False) -> tuple[bool, int]:
    """Set or lower the row limit of a query; whether rows may be missing because of it, and the limit."""
    from sqlglot import exp

    limit = tree.args.get("limit")
    wanted = (
        limit.args.get("count" if isinstance(limit, exp.Fetch) else "expression") if limit else None
    )
    own = (
        int(wanted.this)
        if isinstance(wanted, exp.Literal) and str(wanted.this).isdecimal()
        else None
    )
    if own is not None and own <= rows and not replace:
        tree.set("limit", exp.Limit(expression=exp.Literal.number(own)))
        return False, own
    tree.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
    return True, rows


def _kind(node: Any) -> str:
    """What a node is, as the person would call it."""
    from sqlglot import exp

    if isinstance(node, exp.Command):
        return str(node.this).upper()
    return type(node).__name__.upper()


@lru_cache(maxsize=8)
def _dialect(name: str) -> Any:
    """sqlglot's dialect, with REGEXP printed in the way that MariaDB knows too."""
    from sqlglot import Dialect, exp

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it warns of what is refused anyway
    if name != "mysql":
        return Dialect.get_or_raise(name)
    from sqlglot.dialects.mysql import MySQL
    from sqlglot.generators.mysql import MySQLGenerator

    class Printer(MySQLGenerator):
        TRANSFORMS = {  # noqa: RUF012 – sqlglot's own way to declare it
            **MySQLGenerator.TRANSFORMS,
            exp.RegexpLike: lambda self, node: self.binary(node, "RLIKE"),
        }

    class Portable(MySQL):
        Generator = Printer

    return Portable()
