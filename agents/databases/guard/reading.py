"""Text of a dialect <-> tree, in which a function keeps the name that the server knows.

sqlglot turns functions into classes of its own and prints some of them as others. A guard must
judge what the server will run, so nearly all are left as they are written: `exp.Anonymous`. Calls
with words of their own, such as `EXTRACT(YEAR FROM d)`, are read by sqlglot's own parsers.
"""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from typing import Any

# calls that sqlglot must read because words stand between their arguments
OWN_WORDS = {
    "mysql": """
        CAST CONVERT EXTRACT TRIM SUBSTRING SUBSTR POSITION GROUP_CONCAT CHAR JSON_TABLE MATCH""",
    "postgres": "CAST EXTRACT TRIM SUBSTRING POSITION OVERLAY NORMALIZE",
    "sqlite": "CAST",
    "duckdb": "CAST TRY_CAST EXTRACT TRIM SUBSTRING POSITION OVERLAY",
}
# functions that sqlglot must know because they change how what stands around them is read
KNOWN = {"duckdb": ("COLUMNS",)}
# functions whose first argument is a word and no column
WITH_UNITS = {"mysql": ("TIMESTAMPADD", "TIMESTAMPDIFF", "GET_FORMAT")}


@lru_cache(maxsize=8)
def reader(name: str) -> Any:
    """sqlglot's dialect with functions left as they are written."""
    from sqlglot import Dialect, TokenType

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it warns of what is refused anyway
    base = Dialect.get_or_raise(name)
    own_words = OWN_WORDS[name].split()
    with_units = WITH_UNITS.get(name, ())
    known = base.parser_class

    class Parser(known):  # type: ignore[misc, valid-type]
        FUNCTIONS = {  # noqa: RUF012
            **{word: partial(_with_unit, word) for word in with_units},
            **{word: known.FUNCTIONS[word] for word in KNOWN.get(name, ())},
        }
        FUNCTION_PARSERS = {word: known.FUNCTION_PARSERS[word] for word in own_words}  # noqa: RUF012

    class Faithful(type(base)):  # type: ignore[misc]
        pass

    if name != "duckdb":  # elsewhere an arrow is no lambda but a step into JSON
        Parser.LAMBDAS = {
            token: read for token, read in known.LAMBDAS.items() if token != TokenType.ARROW
        }
    Faithful.parser_class = Parser
    Faithful.generator_class = _printer(name, base.generator_class)
    return Faithful()


def _with_unit(name: str, arguments: Any) -> Any:
    from sqlglot import exp

    is_word = bool(arguments) and isinstance(arguments[0], exp.Column)
    if is_word:
        arguments = [exp.var(arguments[0].name), *arguments[1:]]
    return exp.Anonymous(this=name, expressions=arguments)


def _printer(name: str, known: Any) -> Any:
    """The generator of a dialect without its translations into what means something else."""
    from sqlglot import Generator, exp

    class Printer(known):
        MULTI_ARG_DISTINCT = True
        TYPE_MAPPING = dict(known.TYPE_MAPPING)  # noqa: RUF012
        TRANSFORMS = dict(known.TRANSFORMS)  # noqa: RUF012

    Printer.TRANSFORMS[exp.WithinGroup] = _within_group
    Printer.TRANSFORMS[exp.Any] = _any
    Printer.TRANSFORMS[exp.IgnoreNulls] = lambda self, node: (
        f"{self.sql(node, 'this')} IGNORE NULLS"
    )
    if name == "mysql":  # REGEXP as MariaDB knows it too
        Printer.TRANSFORMS[exp.RegexpLike] = lambda self, node: self.binary(node, "RLIKE")
    if name == "sqlite":  # which makes numbers of all three, and keeps whole ones whole
        for kind in (exp.DType.DECIMAL, exp.DType.BOOLEAN, exp.DType.DATE):
            Printer.TYPE_MAPPING[kind] = "NUMERIC"
        Printer.TRANSFORMS[exp.Cast] = Generator.cast_sql
    return Printer


def _any(printer: Any, node: Any) -> str:
    from sqlglot import exp

    inner = printer.sql(node, "this")
    has_parentheses = isinstance(node.this, exp.Paren | exp.Subquery | exp.Tuple)
    return f"ANY {inner}" if has_parentheses else f"ANY ({inner})"


def _within_group(printer: Any, node: Any) -> str:
    order = printer.sql(node, "expression")
    return f"{printer.sql(node, 'this')} WITHIN GROUP ({order.strip()})"
