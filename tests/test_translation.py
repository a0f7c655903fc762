"""Every problem and every fix has its Chinese; names and reasons stay where they belong."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from workbench import errors
from workbench.translation import HOLE, TEMPLATES, in_chinese

ROOT = Path(__file__).resolve().parents[1]
ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {"Failed"}


def templates() -> dict[str, str]:
    return tomllib.loads(TEMPLATES.read_text("utf-8"))["sentences"]


def sentences() -> dict[str, str]:
    """Every literal problem and fix in the code, holes as `{}`, with the place where it stands."""
    found: dict[str, str] = {}
    for room in ("workbench", "rag", "agents", "finetune", "deploy"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in ERRORS:
                    for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                        for text in literals(argument):
                            found.setdefault(text, f"{path.relative_to(ROOT)}:{node.lineno}")
    return {text: place for text, place in found.items() if re.search(r"[A-Za-z]{2}", text.replace(HOLE, ""))}


def literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from literals(value)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_every_sentence_has_its_chinese() -> None:
    wanted = sentences()
    assert len(wanted) > 150
    missing = [f"{place}: {text!r}" for text, place in wanted.items() if text not in templates()]
    assert not missing, "\n".join(missing)


def test_no_template_is_left_over() -> None:
    assert not templates().keys() - sentences().keys()


def test_chinese_keeps_every_part_and_no_english_word_of_its_own() -> None:
    for english, chinese in templates().items():
        holes = re.findall(r"\{(\d*)\}", chinese)
        assert len(holes) <= english.count(HOLE), chinese
        assert all(not hole or 1 <= int(hole) <= english.count(HOLE) for hole in holes), chinese
        assert re.search(r"[\u4e00-\u9fff]", chinese), chinese


def test_names_and_reasons_stay_where_they_belong() -> None:
    assert in_chinese("There is no collection 手册.") == "没有名为 手册 的知识库。"
    assert in_chinese("What nobody wrote.") == "What nobody wrote."
