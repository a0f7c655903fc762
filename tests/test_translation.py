"""Every sentence of an error or a notice has its Chinese; names and commands stay."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from workbench.chat.events import Failed, from_dict, to_dict
from workbench.contributions import chinese
from workbench.messages import listed, pack, say, translate, unpack
from workbench.ui.translation import in_chinese

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("workbench", "rag", "agents", "finetune", "deploy")
ERRORS = {
    "WorkbenchError",
    "InvalidInput",
    "Forbidden",
    "NotFound",
    "Unavailable",
    "Conflict",
    "Stopped",
    "Uneven",
    "Refused",
    "QueryFailed",
}
SAYS = ERRORS | {"Failed", "Notice", "LeftOut"}
KEPT = re.compile(  # what a person types or looks for: the same in every language
    r"WORKBENCH_\w+|--[a-z][\w-]*|https?://[\w./:-]*\w|`[^`]+`|\w+\.(?:json|toml|safetensors)|"
    r"\b[A-Z][A-Z]+\b"
)
HAN = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!.]")


def calls(package: str) -> Iterator[tuple[str, str, ast.Call]]:
    """(place, name of the function, call) of every call in the package."""
    for path in sorted((ROOT / package).rglob("*.py")):
        if path == ROOT / "workbench" / "messages.py":
            continue  # where say() itself is
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                name = node.func.id if isinstance(node.func, ast.Name) else name
                yield f"{path.relative_to(ROOT)}:{node.lineno}", name, node


def words(text: str) -> bool:
    """Whether a template says anything beside its holes."""
    literals = "".join(literal for literal, *_ in Formatter().parse(text))
    return bool(re.search(r"[A-Za-z]{2}", literals))


def sentences(package: str) -> dict[str, str]:
    """Template -> its place: what `say` is given, and what an error is given in plain words."""
    found: dict[str, str] = {}
    for place, name, call in calls(package):
        if name == "say":
            assert isinstance(call.args[0], ast.Constant), (
                f"{place}: say() wants a literal template"
            )
        for argument in said(name, call):
            text = argument.value if isinstance(argument, ast.Constant) else ""
            if isinstance(text, str) and words(text):
                found.setdefault(text, place)
    return found


def said(name: str, call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that are sentences."""
    if name == "say":
        return call.args[:1]
    return call.args[:2] if name in SAYS else []


def catalogue(package: str) -> dict[str, str]:
    return tomllib.loads((ROOT / package / "chinese.toml").read_text("utf-8"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_sentence_has_its_chinese(package: str) -> None:
    wanted, known = sentences(package), chinese()
    assert len(wanted) > 20
    missing = [
        f"{json.dumps(text, ensure_ascii=False)}  # {place}"
        for text, place in wanted.items()
        if text not in known
    ]
    assert not missing, f"add to {package}/chinese.toml:\n" + "\n".join(missing)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_error_is_glued_from_strings(package: str) -> None:
    """An f-string has lost its template: it would stay English on a Chinese page."""
    checked = 0
    for place, name, call in calls(package):
        for argument in call.args[:2] if name in SAYS else []:
            checked += 1
            assert not isinstance(argument, ast.JoinedStr | ast.BinOp), f"{place}: use say()"
    assert checked > 20


@pytest.mark.parametrize("package", PACKAGES)
def test_no_chinese_is_left_over(package: str) -> None:
    literals = {
        node.value
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert len(catalogue(package)) > 20
    assert not catalogue(package).keys() - literals


def holes(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("package", PACKAGES)
def test_chinese_keeps_every_hole_and_what_is_typed(package: str) -> None:
    for english, text in catalogue(package).items():
        assert holes(english) == holes(text), text
        assert not [word for word in KEPT.findall(english) if word not in text], text
        assert HAN.search(text), text
        assert not HALF_WIDTH.search(text), text


def test_pages_say_both_languages() -> None:
    checked = 0
    for package in PACKAGES:
        for place, name, call in calls(package):
            if name != "both" or len(call.args) != 2:
                continue
            if not all(isinstance(part, ast.Constant | ast.JoinedStr) for part in call.args):
                continue  # the names of a table
            english, text = (ast.unparse(argument) for argument in call.args)
            checked += 1
            assert not HAN.search(english), place
            assert HAN.search(text) or not re.search(r"[A-Za-z]", english), place
    assert checked > 100


def test_values_are_put_in_where_they_stood() -> None:
    catalogue = {
        "{count} rows of {name} fail.": "{name} 有 {count} 行失败。",
        "no answer": "没有回答",
    }
    message = say("{count} rows of {name} fail.", count=3, name="a {b}")
    assert message == "3 rows of a {b} fail."
    assert translate(message, catalogue) == "a {b} 有 3 行失败。"
    inner = say("{place}: {problem}", place="a.jsonl:3", problem=say("no answer"))
    assert translate(inner, catalogue) == "a.jsonl:3: 没有回答"
    assert (
        translate(listed([say("no answer"), say("no answer")]), catalogue) == "没有回答; 没有回答"
    )
    assert translate("What nobody wrote.", catalogue) == "What nobody wrote."


def test_a_message_survives_json_and_copies() -> None:
    message = say("There is no collection {name}.", name=say("none"))
    assert translate(unpack(json.loads(json.dumps(pack(message)))), {"none": "无"}).endswith("无.")
    event = from_dict(json.loads(json.dumps(to_dict(Failed(message, "Plain.")))))
    assert isinstance(event, Failed)
    assert event.problem == "There is no collection none."
    assert in_chinese(event.problem) != event.problem
