"""An expression over numbers and the tables of earlier steps -> its value. Nothing else can run.

    evaluate("step1['likes'].sum() / 3", {"step1": frame})

The text is parsed, not run: each node of the tree must be of a kind below, each name a step or a
function, each method on a list. There are no assignments, no loops, no attributes with an
underscore, and no way to a file, a module or the network. Sizes are bounded before they are made.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

LONGEST = 500  # characters
DEEPEST = 40  # nodes inside each other
LARGEST_POWER = 100.0
LARGEST = 1e300

OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
METHODS = {
    *["sum", "mean", "median", "min", "max", "count", "nunique", "std", "abs", "round"],
    *["head", "tail", "sort_values", "nlargest", "nsmallest", "groupby"],
    *["cumsum", "diff", "pct_change", "isin", "idxmax", "idxmin", "first", "last", "size"],
    *["dropna", "value_counts", "drop_duplicates", "contains"],
}
KEYWORDS = {"by", "ascending", "n", "decimals", "periods", "normalize", "subset", "columns"}
FIX = (
    "Write numbers, + - * / ** ( ), sum, mean, min, max, count, round, abs, sqrt, and columns of "
    "earlier steps such as step1['likes'].sum()."
)


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """The value of the expression. `names` are the frames of earlier steps.

    Raises InvalidInput for what is not on the lists, and for what cannot be computed.
    """
    if len(expression) > LONGEST:
        raise InvalidInput("The expression is too long.", FIX)
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        _check_depth(tree, DEEPEST)
        return Evaluation(names).value(tree.body)
    except InvalidInput:
        raise
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise InvalidInput("The expression cannot be read.", FIX) from error
    except ZeroDivisionError as error:
        raise InvalidInput(
            "The expression divides by zero.", "Check what stands below the line."
        ) from error
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
        raise InvalidInput(
            say("The expression cannot be computed: {error}", error=error), FIX
        ) from error


def numbers_in(expression: str) -> list[float]:
    """The numbers that are written in the expression; none where it cannot be read."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        return []
    numbers = []
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append(float(value))
    return numbers


class Evaluation:
    """One walk over the tree; a method for each kind of node that is allowed."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names

    def value(self, node: ast.AST) -> Any:
        """The value of the node."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise InvalidInput(
                say("{what} is not allowed in an expression.", what=type(node).__name__), FIX
            )
        return method(node)

    def _constant(self, node: ast.Constant) -> Any:
        if type(node.value) is int:
            return node.value if abs(node.value) < 2**53 else float(node.value)
        if type(node.value) in (float, str, bool):
            return node.value
        raise InvalidInput(say("{what} is not allowed in an expression.", what=node.value), FIX)

    def _name(self, node: ast.Name) -> Any:
        if node.id in self._names:
            return self._names[node.id]
        raise InvalidInput(
            say("There is no {name} to compute with.", name=node.id),
            say("There are: {names}", names=", ".join([*self._names, *FUNCTIONS])),
        )

    def _list(self, node: ast.List) -> list[Any]:
        return [self.value(item) for item in node.elts]

    _tuple = _list

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, str | list) or isinstance(right, str | list):
            raise InvalidInput("Texts cannot be computed with.", FIX)
        if isinstance(node.op, ast.Pow):
            return _power(left, right)
        return _bounded(self._operator(node.op)(left, right))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        return self._operator(node.op)(self.value(node.operand))

    def _compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            raise InvalidInput("Compare two values at a time.", FIX)
        return self._operator(node.ops[0])(self.value(node.left), self.value(node.comparators[0]))

    def _operator(self, node: ast.AST) -> Callable[..., Any]:
        if type(node) not in OPERATORS:
            raise InvalidInput(
                say("{what} is not allowed in an expression.", what=type(node).__name__), FIX
            )
        return OPERATORS[type(node)]

    def _subscript(self, node: ast.Subscript) -> Any:
        value = self.value(node.value)
        _check_table(value)
        return value[self.value(node.slice)]

    def _attribute(self, node: ast.Attribute) -> Any:
        """A column by its name; a method is read where it is called."""
        value = self.value(node.value)
        _check_table(value)
        if node.attr in getattr(value, "columns", ()):
            return value[node.attr]
        raise InvalidInput(
            say("There is no column {name}.", name=node.attr),
            say("There are: {names}", names=", ".join(map(str, getattr(value, "columns", ())))),
        )

    def _call(self, node: ast.Call) -> Any:
        values = [self.value(argument) for argument in node.args]
        named = {str(one.arg): self.value(one.value) for one in node.keywords}
        if named.keys() - KEYWORDS:
            raise InvalidInput(
                say("{what} is not allowed in an expression.", what=", ".join(named)), FIX
            )
        if isinstance(node.func, ast.Attribute):
            return self._method(node.func, values, named)
        if isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not named:
            return _bounded(FUNCTIONS[node.func.id](*values))
        raise InvalidInput(
            say("{what} is not allowed in an expression.", what=ast.unparse(node.func)), FIX
        )

    def _method(self, node: ast.Attribute, values: list[Any], named: dict[str, Any]) -> Any:
        owner = self.value(node.value)
        _check_table(owner)
        if node.attr not in METHODS:
            raise InvalidInput(say("{what} is not allowed in an expression.", what=node.attr), FIX)
        if node.attr == "contains":  # of texts; without a pattern, which could take for ever
            return owner.astype(str).str.contains(str(values[0]), regex=False)
        return getattr(owner, node.attr)(*values, **named)


def _check_table(value: Any) -> None:
    """Columns and methods are those of tables; a number or text of Python's has none here."""
    import pandas
    from pandas.core.groupby import DataFrameGroupBy, SeriesGroupBy

    if not isinstance(value, pandas.DataFrame | pandas.Series | DataFrameGroupBy | SeriesGroupBy):
        raise InvalidInput("Only the table of a step has columns and methods.", FIX)


def _check_depth(node: ast.AST, room: int) -> None:
    if room == 0:
        raise InvalidInput("The expression is too long.", FIX)
    for child in ast.iter_child_nodes(node):
        _check_depth(child, room - 1)


def _power(base: Any, exponent: Any) -> Any:
    if not isinstance(exponent, int | float) or abs(exponent) > LARGEST_POWER:
        raise InvalidInput("The exponent is too large.", FIX)
    if isinstance(base, int):
        base = float(base)  # of whole numbers a power may fill the memory
    return _bounded(base**exponent)


def _bounded(value: Any) -> Any:
    """The value; raises InvalidInput where it is no finite number of usual size."""
    if isinstance(value, complex):
        raise InvalidInput("The result is no real number.", FIX)
    if isinstance(value, int | float) and not abs(value) < LARGEST:
        raise InvalidInput("The result is too large.", FIX)
    return value


def _over(of_table: str, of_numbers: Callable[..., Any]) -> Callable[..., Any]:
    """A function of one column, or of several numbers."""

    def function(*values: Any) -> Any:
        if len(values) == 1 and hasattr(values[0], of_table):
            return getattr(values[0], of_table)()
        if len(values) == 1 and isinstance(values[0], list):
            values = tuple(values[0])
        return of_numbers(values)

    return function


def _mean(values: Any) -> float:
    return sum(values) / len(values)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _over("sum", sum),
    "mean": _over("mean", _mean),
    "min": _over("min", min),
    "max": _over("max", max),
    "count": _over("count", len),
    "len": len,
    "abs": abs,
    "round": round,
    "sqrt": math.sqrt,
}
