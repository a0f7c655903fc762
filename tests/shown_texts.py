"""Pages' sources -> the places where a text reaches Streamlit without the sanitizer.

A text may be shown where it is a literal, a number, `both(...)` of such, or what `plain`, `safe`,
`sentence` or `blocks` return; names are followed to what they were given, and functions to what they return.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# the keyword under which a method takes its first argument; all of them read Markdown
DRAWING = {
    "body": "markdown caption write title header subheader info warning error success toast badge html",
    "label": "button form_submit_button download_button link_button checkbox toggle radio selectbox "
    "multiselect pills segmented_control text_input text_area number_input slider select_slider "
    "date_input file_uploader expander popover metric menu_button page_link chat_input status",
    "text": "spinner",
    "title": "dialog",
    "tabs": "tabs",
}
FIRST = {method: keyword for keyword, methods in DRAWING.items() for method in methods.split()}
ON_ST_ALONE = {"write", "title", "error", "info", "status", "warning", "header", "button"}
OPTIONS_ARE_MARKDOWN = {"radio", "pills", "segmented_control", "menu_button"}
SANITIZER = ("workbench.ui", "text")
SANITIZED = {"plain", "safe", "sentence", "blocks"}
NUMBERS = {"len", "int", "float", "round", "sum", "abs"}
OUR_OWN = {
    "icon",
    "english",
    "chinese",
    "loses",
}  # attributes of rows that are written in our sources
NUMERIC = ("d", "f", "%", "e", "g", ",")


class Fault(NamedTuple):
    """A text that reaches a drawing method as it is."""

    path: Path
    method: str
    shown: ast.expr

    @property
    def where(self) -> tuple[str, str]:
        return str(self.path.relative_to(ROOT)), self.method

    def __str__(self) -> str:
        text = ast.unparse(self.shown)[:90]
        return f"{self.where[0]}:{self.shown.lineno}: {self.method}({text})"


class Module:
    """A source file with its functions and constants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text("utf-8"))
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, ast.expr] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        self.inside: dict[ast.AST, list[ast.FunctionDef]] = {}
        self._look(self.tree, [])

    def _look(self, node: ast.AST, inside: list[ast.FunctionDef]) -> None:
        for child in ast.iter_child_nodes(node):
            self.inside[child] = inside
            if isinstance(child, ast.FunctionDef):
                self.functions.setdefault(child.name, child)
                self._look(child, [*inside, child])
                continue
            if isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:
                    self.imported[alias.asname or alias.name] = (child.module, alias.name)
            if isinstance(child, ast.Assign) and not inside:
                for target in child.targets:
                    if isinstance(target, ast.Name):
                        self.constants[target.id] = child.value
            typed = isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name)
            if typed and not inside and child.value:
                self.constants[child.target.id] = child.value
            self._look(child, inside)


class Pages:
    """All modules under the packages, and the question whether an expression may be shown."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self.modules: dict[str, Module] = {}
        for package in packages:
            for path in (ROOT / package).rglob("*.py"):
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                self.modules[name.removesuffix(".__init__")] = Module(path)
        self._asked: dict[int, bool] = {}

    def faults(self) -> Iterator[Fault]:
        for module in self.modules.values():
            if "ui" not in module.path.parts:
                continue
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    for shown in _texts_of(node, node.func):
                        if not self.may_show(shown, module):
                            yield Fault(module.path, node.func.attr, shown)

    def calls(self) -> int:
        """How many texts are looked at."""
        return sum(
            len(list(_texts_of(node, node.func)))
            for module in self.modules.values()
            if "ui" in module.path.parts
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        )

    def may_show(self, node: ast.expr | None, module: Module) -> bool:
        if node is None:
            return True
        if id(node) not in self._asked:
            self._asked[id(node)] = True  # for what names itself
            self._asked[id(node)] = self._may_show(node, module)
        return self._asked[id(node)]

    def _may_show(self, node: ast.expr, module: Module) -> bool:
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.JoinedStr):
            return all(self.may_show(part, module) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            spec = node.format_spec
            numeric = spec is not None and ast.unparse(spec).rstrip("'\"").endswith(NUMERIC)
            return numeric or self.may_show(node.value, module)
        if isinstance(node, ast.BinOp):
            return self.may_show(node.left, module) and self.may_show(node.right, module)
        if isinstance(node, ast.BoolOp | ast.List | ast.Tuple | ast.Set):
            parts = node.values if isinstance(node, ast.BoolOp) else node.elts
            return all(self.may_show(part, module) for part in parts)
        if isinstance(node, ast.IfExp):
            return self.may_show(node.body, module) and self.may_show(node.orelse, module)
        if isinstance(node, ast.Starred):
            return self.may_show(node.value, module)
        if isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp):
            return self.may_show(node.elt, module)
        if isinstance(node, ast.Dict):
            return all(self.may_show(part, module) for part in node.values)
        if isinstance(node, ast.DictComp):
            return self.may_show(node.value, module)
        if isinstance(node, ast.Lambda):
            return self.may_show(node.body, module)
        if isinstance(node, ast.Subscript):
            return self.may_show(node.value, module)
        if isinstance(node, ast.Attribute):
            return node.attr in OUR_OWN or self._of_dict(node, module)
        if isinstance(node, ast.Name):
            return self._name(node, module)
        if isinstance(node, ast.Call):
            return self._call(node, module)
        return isinstance(node, ast.Compare)

    def _of_dict(self, node: ast.Attribute, module: Module) -> bool:
        return node.attr in ("__getitem__", "get") and self.may_show(node.value, module)

    def _call(self, node: ast.Call, module: Module) -> bool:
        func = node.func
        if isinstance(func, ast.Attribute):
            if func.attr in ("join", "replace"):
                return self.may_show(func.value, module) and all(
                    self.may_show(argument, module) for argument in node.args
                )
            if func.attr in ("strip", "rstrip", "lower", "get", "items", "values", "pop"):
                return self.may_show(func.value, module)
            of_sanitizer = module.imported.get(ast.unparse(func.value)) == SANITIZER
            return of_sanitizer and func.attr in SANITIZED
        if not isinstance(func, ast.Name):
            return False
        if func.id in SANITIZED or func.id in NUMBERS:
            return True
        if func.id in ("both", "list", "dict", "filter", "tuple", "sorted", "next", "parts"):
            return all(self.may_show(argument, module) for argument in node.args)
        return self._function(func.id, module)

    def _function(self, name: str, module: Module) -> bool:
        """Whether all that a function of ours returns may be shown."""
        function, home = self._find(name, module)
        if function is None or home is None:
            return False
        returns = [one for one in ast.walk(function) if isinstance(one, ast.Return)]
        return bool(returns) and all(self.may_show(one.value, home) for one in returns)

    def _find(self, name: str, module: Module) -> tuple[ast.FunctionDef | None, Module | None]:
        if name in module.functions:
            return module.functions[name], module
        origin, original = module.imported.get(name, ("", ""))
        home = self.modules.get(origin)
        return self._find(original, home) if home else (None, None)

    def _name(self, node: ast.Name, module: Module) -> bool:
        if node.id in SANITIZED:
            return True
        for function in reversed(module.inside.get(node, [])):
            given = list(_given(node.id, function))
            if given:
                return all(self.may_show(value, module) for value in given)
            for argument in _arguments(function):
                if argument.arg == node.id:
                    return self._parameter(function, argument, module)
        if node.id in module.constants:
            return self.may_show(module.constants[node.id], module)
        origin, original = module.imported.get(node.id, ("", ""))
        home = self.modules.get(origin)
        if home and original in home.constants:
            return self.may_show(home.constants[original], home)
        return self._function(node.id, module)

    def _parameter(self, function: ast.FunctionDef, argument: ast.arg, module: Module) -> bool:
        """A number; or what every caller may show."""
        if argument.annotation and ast.unparse(argument.annotation) in ("int", "float", "bool"):
            return True
        place = (
            [one.arg for one in function.args.args].index(argument.arg)
            if argument in function.args.args
            else None
        )
        callers = 0
        for other in self.modules.values():
            if self._find(function.name, other)[0] is not function:
                continue
            for call in ast.walk(other.tree):
                if not isinstance(call, ast.Call) or ast.unparse(call.func) != function.name:
                    continue
                callers += 1
                named = [one.value for one in call.keywords if one.arg == argument.arg]
                placed = call.args[place : place + 1] if place is not None else []
                if not all(self.may_show(value, other) for value in [*named, *placed]):
                    return False
        return callers > 0


def _texts_of(call: ast.Call, func: ast.Attribute) -> Iterator[ast.expr]:
    """The arguments that Streamlit reads as Markdown."""
    method = func.attr
    on_st = isinstance(func.value, ast.Name) and func.value.id == "st"
    if method not in FIRST or (method in ON_ST_ALONE and not on_st and method != "button"):
        return
    yield from call.args[:1]
    for keyword in call.keywords:
        if keyword.arg in ("help", FIRST[method]):
            yield keyword.value
        if keyword.arg == "format_func" and method in OPTIONS_ARE_MARKDOWN:
            yield keyword.value
    formatted = any(keyword.arg == "format_func" for keyword in call.keywords)
    if method in OPTIONS_ARE_MARKDOWN and not formatted:
        yield from call.args[1:2]


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.args, *function.args.kwonlyargs]


def _given(name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
    """All that a local name is given."""
    added = (f"{name}.append", f"{name}.extend")
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _paired(target, node.value, name)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and node.value:
            yield from _paired(node.target, node.value, name)
        elif isinstance(node, ast.For | ast.comprehension):
            yield from _looped(node.target, node.iter, name)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in added:
            yield from node.args


def _paired(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    if isinstance(target, ast.Subscript) and ast.unparse(target.value) == name:
        yield value
    if isinstance(target, ast.Tuple):
        parts = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
        for one, part in zip(target.elts, parts, strict=False):
            inner = one.value if isinstance(one, ast.Starred) else one
            yield from _paired(inner, part, name)


def _looped(target: ast.expr, values: ast.expr, name: str) -> Iterator[ast.expr]:
    """A loop's name is one of the values; a number where it is counted."""
    counted = isinstance(values, ast.Call) and ast.unparse(values.func) in ("enumerate", "range")
    if counted and isinstance(target, ast.Name) and target.id == name:
        yield ast.Constant(0, lineno=values.lineno)
    elif counted and isinstance(target, ast.Tuple):
        if ast.unparse(target.elts[0]) == name:
            yield ast.Constant(0, lineno=values.lineno)
        else:
            yield from _paired(target.elts[1], values.args[0], name)
    else:
        yield from _paired(target, values, name)
