"""What can grow without end -> the same with a bound put in: recursion, series of numbers or days.

A recursive CTE is read through a LIMIT, which every server stops at: SQLite, PostgreSQL and DuckDB
make its rows only as they are asked for. MySQL and MariaDB make all of them first; there each step
has a limit too, and the server itself ends after 1,000 steps.

    WITH RECURSIVE n AS (…) SELECT i FROM n
    WITH n AS (WITH RECURSIVE n AS (…) SELECT * FROM n LIMIT 10000) SELECT i FROM n
"""

from __future__ import annotations

from typing import Any

from agents.databases.guard.allowed import meanings
from agents.databases.guard.nodes import function_name
from agents.databases.guard.refused import Refused
from workbench.messages import say

MOST_ROWS = 10_000  # of a recursive CTE
MOST_OF_A_STEP = 1_000  # rows that one step adds, where a server makes all steps first
MOST_IN_SERIES = 100_000


def bound_recursion(tree: Any, dialect: str) -> None:
    """Put a limit on every recursive CTE of the tree, in place."""
    from sqlglot import exp

    for clause in list(tree.find_all(exp.With)):
        recursive = [cte for cte in clause.expressions if _reads_itself(cte)]
        if dialect != "sqlite" and not clause.args.get("recursive"):
            continue
        if _is_bounded(clause):
            continue
        for cte in recursive:
            _bound(cte, dialect)
        clause.set("recursive", False)


def has_recursion(tree: Any) -> bool:
    """Whether a recursion of the tree is read up to `MOST_ROWS`, once its bounds are in place."""
    from sqlglot import exp

    return any(clause.args.get("recursive") for clause in tree.find_all(exp.With))


def _reads_itself(cte: Any) -> bool:
    from sqlglot import exp

    wanted = cte.alias.casefold()
    if not isinstance(cte.this, exp.SetOperation):
        return False
    return any(table.name.casefold() == wanted for table in cte.this.find_all(exp.Table))


def _is_bounded(clause: Any) -> bool:
    """Whether the clause stands in the form that `_bound` makes."""
    from sqlglot import exp

    query = clause.parent
    if not isinstance(query, exp.Select) or len(clause.expressions) != 1:
        return False
    name = clause.expressions[0].alias
    plain = exp.select("*").from_(exp.table_(name))
    limit = query.args.get("limit")
    rows = limit.expression if isinstance(limit, exp.Limit) else None
    if not isinstance(rows, exp.Literal) or not rows.is_int or int(rows.name) > MOST_ROWS:
        return False
    bare = query.copy()
    bare.set("with_", None)
    bare.set("limit", None)
    return bool(bare.sql(identify=True) == plain.sql(identify=True))


def _bound(cte: Any, dialect: str) -> None:
    from sqlglot import exp

    if dialect == "mysql":
        _bound_step(cte.this)
    # quoted, so that nothing else is read: its spelling is settled when names are resolved
    inner = exp.CTE(this=cte.this, alias=cte.args["alias"].copy())
    query = exp.select("*").from_(exp.Table(this=cte.args["alias"].this.copy()))
    query.set("with_", exp.With(expressions=[inner], recursive=True))
    cte.set("this", query.limit(MOST_ROWS))
    cte.set("alias", exp.TableAlias(this=cte.args["alias"].this.copy()))


def _bound_step(union: Any) -> None:
    """Limit what one step of the recursion adds: the members after the first."""
    from sqlglot import exp

    if isinstance(union.this, exp.SetOperation):
        _bound_step(union.this)
    step = union.expression
    if isinstance(step, exp.Select):
        limit = exp.Limit(expression=exp.Literal.number(MOST_OF_A_STEP))
        step.set("limit", limit)
        union.set("expression", exp.Subquery(this=step))


def bound_series(tree: Any, dialect: str) -> None:
    """Check or bound every series of the tree, in place."""
    series = meanings(dialect).series
    for node in list(tree.walk()):
        if function_name(node) not in series:
            continue
        count = count_of(node.expressions)
        if count is None and dialect == "postgres":
            _read_through_limit(node)
        elif count is None:
            _end_early(node)
        elif count > MOST_IN_SERIES:
            raise Refused(
                say("A series may have at most {most} steps.", most=MOST_IN_SERIES),
                "Give it a nearer end or a longer step.",
            )


def _read_through_limit(node: Any) -> None:
    """PostgreSQL makes the rows of a SELECT list as they are asked for, those of FROM at once."""
    from sqlglot import exp

    item = node.parent
    if isinstance(item, exp.Table | exp.Lateral):
        if item.args.get("ordinality"):
            raise Refused(
                "A series whose end is computed may not have WITH ORDINALITY.",
                "Count its rows with row_number() OVER () instead.",
            )
        alias = item.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name.lower()))
        if not alias.args.get("columns"):
            alias.set("columns", [alias.this.copy()])
        query = exp.select(node.copy()).limit(MOST_IN_SERIES)
        lateral = exp.Lateral(this=exp.Subquery(this=query), alias=alias)
        lateral.set("joins", item.args.get("joins"))
        item.replace(lateral)
        return
    select = node.find_ancestor(exp.Select)
    waits = ("order", "distinct", "group", "having", "windows")
    outermost = node
    while outermost.parent is not None and outermost.parent is not select:
        outermost = outermost.parent
    in_list = outermost.arg_key == "expressions"
    if select is None or not in_list or any(select.args.get(part) for part in waits):
        raise Refused(
            "A series whose end is computed may not be sorted or grouped in its own SELECT.",
            "Put it into FROM: FROM generate_series(…) AS s(value).",
        )
    limit = select.args.get("limit")
    own = limit.expression if isinstance(limit, exp.Limit) else None
    if own is None or not own.is_int or int(own.name) > MOST_IN_SERIES:
        select.set("limit", exp.Limit(expression=exp.Literal.number(MOST_IN_SERIES)))


def _end_early(node: Any) -> None:
    """Let a series end after the most steps that it may have, wherever its own end lies."""
    from sqlglot import exp

    arguments = node.expressions
    zero, one = exp.Literal.number(0), exp.Literal.number(1)
    start = arguments[0] if len(arguments) > 1 else zero
    step = arguments[2] if len(arguments) > 2 else one
    place = 0 if len(arguments) == 1 else 1
    stop = arguments[place]
    if start.is_string:
        start = exp.cast(start, "timestamp")
    last = exp.Add(
        this=_alone(start),
        expression=exp.Mul(this=_alone(step), expression=exp.Literal.number(MOST_IN_SERIES)),
    )
    _check_step(step)
    nearer = exp.Anonymous(this="LEAST", expressions=[stop.copy(), last])
    is_bounded = function_name(stop) == function_name(nearer) and stop.expressions[-1] == last
    if not is_bounded:
        stop.replace(nearer)


def _alone(node: Any) -> Any:
    """A copy in parentheses where it is made of several parts."""
    from sqlglot import exp

    parts = isinstance(node, exp.Binary | exp.Unary | exp.Interval | exp.Case)
    is_closed = isinstance(node, exp.Paren | exp.Dot)
    return exp.paren(node.copy()) if parts and not is_closed else node.copy()


def _check_step(step: Any) -> None:
    """Raises Refused where a step does not go forward for certain."""
    from sqlglot import exp

    value = step.this if isinstance(step, exp.Interval | exp.Cast) else step
    number = _number(value)
    text = value.name if isinstance(value, exp.Literal) else ""
    goes_forward = number > 0 if number is not None else text[:1].isdigit()
    if not goes_forward:
        raise Refused(
            "The step of a series with a computed end must be written out, and go forward.",
            "Write a number or an INTERVAL.",
        )


def count_of(arguments: list[Any]) -> int | None:
    """How many steps a series of written numbers has; None where they are not all written."""
    known = [_number(argument) for argument in arguments]
    numbers = [number for number in known if number is not None]
    if len(numbers) < len(known) or not numbers:
        return None
    start, stop, step = (0, *numbers, 1)[:3] if len(numbers) == 1 else (*numbers, 1)[:3]
    return int((stop - start) / step) + 1 if step else MOST_IN_SERIES + 1


def _number(node: Any) -> float | None:
    from sqlglot import exp

    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return None if inner is None else -inner
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.name)
    return None
