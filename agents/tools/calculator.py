"""The tool that computes: arithmetic, and expressions over the tables of earlier steps."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from agents.databases.analyst import markdown_table
from agents.tools.expressions import evaluate
from agents.tools.frames import frame_of, plain_value, table_of
from agents.tools.tool import Outcome, Results, Tool, text_schema
from workbench.chat.events import Event, Table

DIGITS = 12  # that a computed number keeps: floating point has about 15
SHOWN = 50  # rows


def calculate(expression: str, results: Results) -> Outcome:
    """The value of the expression. Raises InvalidInput where it cannot be computed."""
    names: dict[str, Any] = {}
    note = ""
    for number, outcome in results.items():
        if outcome.table is not None:
            name = f"step{number}"
            names[name] = frame_of(outcome.table)
            if outcome.table.truncated and re.search(rf"\b{name}\b", expression):
                note += f" (of the first {len(outcome.table.rows)} rows of {name} only)"
    value = evaluate(expression, names)
    table = table_of(value)
    if table is not None:
        table = Table(table.columns, table.rows[:SHOWN], len(table.rows) > SHOWN)
        return Outcome(markdown_table(table.columns, table.rows) + note, table)
    number = plain_value(value)
    return Outcome(written(number) + note, Table(["value"], [[number]]))


def written(value: Any) -> str:
    """A computed value as text, without the noise of floating point."""
    if isinstance(value, float):
        rounded = float(f"{value:.{DIGITS}g}")
        return str(int(rounded)) if rounded.is_integer() and abs(rounded) < 1e15 else str(rounded)
    return str(value)


def _run(arguments: dict[str, Any], results: Results) -> Generator[Event, None, Outcome]:
    yield from ()
    return calculate(str(arguments["expression"]), results)


CALCULATOR = Tool(
    name="calculator",
    description=(
        "Computes an expression: numbers with + - * / ** ( ), sum, mean, min, max, count, round, "
        "abs, sqrt, and the table of an earlier step by its name, such as "
        "step1['likes'].sum() / 3 or step1[step1.region == 'North'].likes.max()."
    ),
    parameters=text_schema("expression", "The expression."),
    run=_run,
    pure=True,
)
