"""Every English sentence that an error can say, read from the code: source trees -> {sentence with holes: its place}.

What stands under the name `problem` or `fix`, as parameter, field or key, and what is added to `warnings` or `notes`, is
followed back to its words: through variables, parameters, constants, branches, lookups, lists and the functions that make
the text. A phrase that an f-string puts in becomes part of the sentence; a name, a number or a reason stays a hole.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from pathlib import Path

from pydantic_core import PydanticKnownError

from workbench.ui.translation import HOLE

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("workbench", "rag", "agents", "finetune", "deploy")
SAID = ("problem", "fix", "warnings", "notes")
REASONS = ("__init__", "ValueError", "LeftOut")  # calls that take a problem without naming it so
PYDANTIC: dict[
    str, dict[str, object]
] = {  # what it finds in settings and run files, each with what its words need
    "extra_forbidden": {},
    "int_type": {},
    "int_parsing": {},
    "int_from_float": {},
    "float_type": {},
    "float_parsing": {},
    "finite_number": {},
    "bool_type": {},
    "bool_parsing": {},
    "string_type": {},
    "list_type": {},
    "dict_type": {},
    "literal_error": {"expected": ""},
    "greater_than": {"gt": 0},
    "greater_than_equal": {"ge": 0},
    "less_than": {"lt": 0},
    "less_than_equal": {"le": 0},
    "model_type": {"class_name": ""},
    "too_short": {"field_type": "", "min_length": 1, "actual_length": 0},
    "string_too_short": {"min_length": 1},
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@lru_cache(maxsize=1)
def sentences() -> dict[str, str]:
    """The sentences with words of their own, each with the place that says it first."""
    messages = (
        PydanticKnownError(kind, context).message_template for kind, context in PYDANTIC.items()
    )  # type: ignore[arg-type]
    found = {
        re.sub(r"\{\w+\}", HOLE, message.replace("{expected_plural}", "")): "pydantic"
        for message in messages
    }
    for place, expression in said():
        for text in texts(expression):
            if re.search(r"[A-Za-z]{2}", text.replace(HOLE, "")):
                found.setdefault(text, place)
    return found


def untold() -> dict[str, str]:
    """Expressions without one word that can be found, though they do not pass on what another error says."""
    found = {
        ast.unparse(expression): place
        for place, expression in said()
        if texts(expression) == [HOLE]
    }
    return {
        text: place
        for text, place in found.items()
        if not re.search("|".join([*SAID, r"^say\("]), text)
    }


def said() -> Iterator[tuple[str, ast.expr]]:
    """Each expression that becomes a problem or a fix."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            for expression in _said_by(node):
                yield f"{path.relative_to(ROOT)}:{expression.lineno}", expression


def _said_by(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Dict):
        yield from (
            value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and key.value in SAID
        )
    elif isinstance(node, ast.AugAssign) and _name(node.target) in SAID:
        yield node.value
    elif isinstance(node, ast.Call) and _appends_to(node) in SAID:
        yield from node.args
    elif isinstance(node, ast.Call):
        parameters = SAID[:2] if _name(node.func) in REASONS else _parameters(_name(node.func))
        yield from (
            value
            for name, value in _given(node, parameters)
            if name in SAID and not isinstance(value, ast.Starred)
        )


def page_words() -> Iterator[tuple[str, str, str]]:
    """(place, English, Chinese) of every `say` on the pages, holes as `{}`."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) == "say" and len(node.args) == 2:
                english, chinese = (texts(argument)[0] for argument in node.args)
                yield f"{path.relative_to(ROOT)}:{node.lineno}", english, chinese


@lru_cache(maxsize=1)
def trees() -> dict[Path, ast.Module]:
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return {path: ast.parse(path.read_text("utf-8")) for path in paths}


@lru_cache(maxsize=1)
def _parents() -> dict[ast.AST, ast.AST]:
    return {
        child: parent
        for tree in trees().values()
        for parent in ast.walk(tree)
        for child in ast.iter_child_nodes(parent)
    }


@lru_cache(maxsize=1)
def _named() -> dict[str, list[ast.AST]]:
    """Definitions and calls by name."""
    found: dict[str, list[ast.AST]] = {}
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | Function):
                found.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Call):
                found.setdefault(_name(node.func), []).append(node)
    return found


def texts(node: ast.AST, seen: frozenset[ast.AST] = frozenset()) -> list[str]:
    """All that the expression can say, `{}` where only the run knows."""
    if node in seen:
        return [HOLE]
    seen |= {node}
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(choice) for choice in product(*(_pieces(part, seen) for part in parts))]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [one + two for one in texts(left, seen) for two in texts(right, seen)]
        case ast.Call(func=ast.Attribute(value=pattern, attr="format")):
            return [re.sub(r"\{\w*\}", HOLE, text) for text in texts(pattern, seen)]
        case ast.AugAssign(value=value):
            return [HOLE + text for text in texts(value, seen)]
    return list(
        dict.fromkeys(text for source in _sources(node) for text in texts(source, seen))
    ) or [HOLE]


def _pieces(part: ast.expr, seen: frozenset[ast.AST]) -> list[str]:
    """Of what an f-string puts in, phrases are words of the sentence, and so is a choice made there: is or are."""
    if not isinstance(part, ast.FormattedValue):
        return texts(part, seen)
    found = [HOLE] if part.conversion != -1 or part.format_spec else texts(part.value, seen)
    chosen = isinstance(part.value, ast.IfExp)
    pieces = dict.fromkeys(
        text if chosen or not text or (" " in text.strip() and "\n" not in text) else HOLE
        for text in found
    )
    return [piece for piece in pieces if piece or HOLE not in pieces]  # a hole may be empty too


def _sources(node: ast.AST) -> list[ast.AST]:
    """The expressions, one of which the value comes from; none where it comes from outside."""
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.BoolOp(values=values) | ast.List(elts=values):
            return list(values)
        case ast.Starred(value=value):
            return [value]
        case ast.Name():
            return _values(node)
        case ast.Subscript(value=table):
            return _entries(table)
        case ast.Call(func=ast.Attribute(attr="get", value=table), args=[_, *default]):
            return [*(_entries(table) or [table]), *default]
        case ast.Call(func=ast.Name(id=name)) if (
            name != "say"
        ):  # that one speaks the page's language already
            return _returned(name, node)
        case ast.Attribute(attr=name) if name not in SAID:
            return _returned(name, node, "property")
    return []


def _values(name: ast.Name) -> list[ast.AST]:
    """What a variable, a parameter or a constant may hold."""
    scope: ast.AST = name
    while scope := _parents().get(scope):  # type: ignore[assignment]
        if isinstance(scope, Function | ast.Module):
            if found := _assigned(name.id, scope):
                return found
            if isinstance(scope, Function) and name.id in _parameters_of(scope):
                return _passed(name.id, scope)
    if name.id.isupper():
        return [value for tree in trees().values() for value in _assigned(name.id, tree)]
    return []


def _assigned(name: str, scope: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for node in scope.body if isinstance(scope, ast.Module) else ast.walk(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                found.append(value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                found += [
                    value
                    for target, value in zip(targets, values, strict=False)
                    if _name(target) == name
                ]
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if (
                target == name
            ):
                found.append(value)
            case ast.NamedExpr(target=ast.Name(id=target), value=value) if target == name:
                found.append(value)
            case ast.AugAssign(target=ast.Name(id=target)) if target == name:
                found.append(node)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=target)), args=values) if (
                target == name
            ):
                found += values if _appends_to(node) else []
    return found


def _passed(parameter: str, function: Function) -> list[ast.AST]:
    """What calls give it."""
    calls = [node for node in _near(function.name, function) if isinstance(node, ast.Call)]
    return [
        value
        for call in calls
        for name, value in _given(call, _parameters_of(function))
        if name == parameter
    ]


def _returned(name: str, where: ast.AST, decorator: str = "") -> list[ast.AST]:
    functions = [node for node in _near(name, where) if isinstance(node, Function)]
    if decorator:  # of which only the room tells whether it is the one meant
        functions = [
            node
            for node in functions
            if decorator in map(_name, node.decorator_list) and _room(node) == _room(where)
        ]
    returns = [
        node
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Return)
    ]
    return [node.value for node in returns if node.value is not None]


def _entries(table: ast.AST) -> list[ast.AST]:
    """The values of a dict that is written out."""
    found = _values(table) if isinstance(table, ast.Name) else [table]
    return [value for entry in found if isinstance(entry, ast.Dict) for value in entry.values]


def _near(name: str, where: ast.AST) -> list[ast.AST]:
    """Definitions and calls of that name; of a private one those of its module."""
    return [
        node
        for node in _named().get(name, [])
        if not name.startswith("_") or _module(node) is _module(where)
    ]


def _module(node: ast.AST) -> ast.AST:
    while node in _parents():
        node = _parents()[node]
    return node


def _room(node: ast.AST) -> str:
    return next(
        path.relative_to(ROOT).parts[0] for path, tree in trees().items() if tree is _module(node)
    )


def _parameters(name: str) -> tuple[str, ...]:
    """Of a function, or of a class: its __init__, its fields, or those of its base."""
    for node in _named().get(name, []):
        if isinstance(node, Function):
            return _parameters_of(node)
        if isinstance(node, ast.ClassDef):
            init = [
                entry
                for entry in node.body
                if isinstance(entry, ast.FunctionDef) and entry.name == "__init__"
            ]
            fields = tuple(
                _name(entry.target) for entry in node.body if isinstance(entry, ast.AnnAssign)
            )
            return (
                _parameters_of(init[0])
                if init
                else fields or _parameters(_name(node.bases[0]) if node.bases else "")
            )
    return ()


def _parameters_of(function: Function) -> tuple[str, ...]:
    names = [
        argument.arg
        for argument in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    ]
    return tuple(name for name in names if name not in ("self", "cls"))


def _given(call: ast.Call, parameters: tuple[str, ...]) -> list[tuple[str | None, ast.expr]]:
    return [
        *zip(parameters, call.args, strict=False),
        *((keyword.arg, keyword.value) for keyword in call.keywords),
    ]


def _appends_to(node: ast.Call) -> str:
    """The list that the call adds to."""
    return (
        _name(node.func.value)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "append"
        else ""
    )


def _name(node: ast.AST) -> str:
    return (
        node.attr
        if isinstance(node, ast.Attribute)
        else node.id
        if isinstance(node, ast.Name)
        else ""
    )
