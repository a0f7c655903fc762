"""Every problem, fix and warning has its Chinese; names, commands and reasons stay where they belong."""

from __future__ import annotations

import json
import re
import time
import tomllib

import pytest
from sentences import page_words, sentences, untold

from workbench.ui.translation import HOLE, TEMPLATES, in_chinese

FOREIGN = {"text", "error.strerror"}  # a database driver's words, the system's words
KEPT = re.compile(  # what a person types or looks for: the same in every language
    r"WORKBENCH_\w+|--[a-z][\w-]*|https?://[\w./:-]*\w|`[^`]+`|\w+\.(?:json|toml|safetensors)|[a-z]+_[a-z_]+|"
    r"(?:workbench|ollama|chroma|make|pip) [a-z]+(?: [a-z]+)*(?= [A-Z{-]|$)|\b[A-Z][A-Z]+\b"
)
HAN = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!.]")


def templates() -> dict[str, str]:
    return tomllib.loads(TEMPLATES.read_text("utf-8"))["sentences"]


def test_every_sentence_has_its_chinese() -> None:
    wanted = sentences()
    assert len(wanted) > 500
    known = templates()
    missing = [
        f"{json.dumps(text, ensure_ascii=False)}  # {place}"
        for text, place in wanted.items()
        if text not in known
    ]
    assert not missing, "add to workbench/chinese.toml:\n" + "\n".join(missing)


def test_no_sentence_escapes_the_search() -> None:
    """An error whose words cannot be found in the code would stay English unseen."""
    assert untold().keys() <= FOREIGN, untold()


def test_no_template_is_left_over() -> None:
    assert not templates().keys() - sentences().keys()


def test_chinese_keeps_every_part_and_what_is_typed() -> None:
    for english, chinese in templates().items():
        holes = re.findall(r"\{(\d*)\}", chinese)
        numbers = [int(hole) for hole in holes if hole] or list(range(1, len(holes) + 1))
        assert sorted(numbers) == list(range(1, english.count(HOLE) + 1)), chinese
        assert not [word for word in KEPT.findall(english) if word not in chinese], chinese
        assert HAN.search(chinese), chinese
        assert not HALF_WIDTH.search(chinese), chinese


def test_pages_say_both_languages() -> None:
    words = list(page_words())
    assert len(words) > 100
    for place, english, chinese in words:
        assert not HAN.search(english), place
        assert HAN.search(chinese) or not re.search(r"[A-Za-z]", english.replace(HOLE, "")), place
        assert not HALF_WIDTH.search(chinese), place


def test_no_template_takes_the_place_of_another() -> None:
    for english, chinese in templates().items():
        order = iter(range(1, 10))
        filled = re.sub(r"\{\}", lambda _: f"<{next(order)}>", english)  # noqa: B023 – used at once
        order = iter(range(1, 10))
        expected = re.sub(r"\{(\d*)\}", lambda hole: f"<{hole[1] or next(order)}>", chinese)  # noqa: B023
        assert in_chinese(filled) == expected


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("There is no collection 手册.", "没有名为 手册 的知识库。"),
        (
            "The collection 手册 was made with the embedder a, not b.",
            "知识库 手册 是用向量模型 a 建立的，而不是 b。",
        ),
        ("What nobody wrote.", "What nobody wrote."),
        ("What: nobody; wrote. It.", "What: nobody; wrote. It."),
        ("Add base to run.toml. Correct that line.", "请在 run.toml 中添加 base。请改正该行。"),
        (
            "notes.pdf: The file is damaged: no cross-reference table",
            "notes.pdf：文件已损坏：no cross-reference table",
        ),
        (
            "3 rows of the data cannot be used; the first is a.jsonl:3: turn 2: empty answer",
            "数据中有 3 行无法使用；第一处是 a.jsonl:3：第 2 轮：回答为空",
        ),
        ("data.train: a.csv:3: two columns are called x", "data.train: a.csv:3：有两列都叫 x"),
        (
            "Settings that cannot be used: port: Input should be less than or equal to 65535; model: what nobody wrote",
            "无法使用的设置：port：应小于或等于 65535；model: what nobody wrote",
        ),
        (
            "最后一次失败的原因：There is no table or alias a here.",
            "最后一次失败的原因：这里没有名为 a 的表或别名。",
        ),
        (
            "run.toml cannot be used. base: missing; lora.rnak: no such setting",
            "run.toml 无法使用。base：缺失；lora.rnak：没有这个设置",
        ),
    ],
)
def test_names_and_reasons_stay_where_they_belong(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


def test_a_long_reason_takes_no_time() -> None:
    began = time.perf_counter()
    in_chinese(
        "llama.cpp's converter failed: " + "KeyError: of 3 is not in; is, at and the. " * 500
    )
    assert time.perf_counter() - began < 2
