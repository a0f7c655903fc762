"""The lexical leg: what counts as a word, and an index that survives the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.lexical import LexicalIndex
from workbench.language import language_of, words

TEXTS = [
    ("a", "The reactor vents hydrogen at 65 bar."),
    ("b", "年假为十五天，病假另计。"),
    ("c", "Call get_user_name() before v2.1 of ABC-123."),
    ("d", "The the the and of it."),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Reactor", ["the", "reactor"]),
        ("年假十天", ["年假", "假十", "十天"]),
        ("天", ["天"]),
        ("用GPU训练", ["用", "gpu", "训练"]),
        ("ＡＢＣ１２３", ["abc123"]),
        ("繁體中文", ["繁体", "体中", "中文"]),
        ("get_user ABC-123", ["get", "user", "abc", "123"]),
        ("¿…!? 😀 —", []),
        ("", []),
    ],
)
def test_words_of_mixed_text(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_both_chinese_scripts_and_both_widths_are_the_same_words() -> None:
    assert words("員工請假規定（２０２６年）") == words("员工请假规定(2026年)")
    assert words("乾燥") == words("干燥")


def test_the_script_is_that_of_most_letters() -> None:
    assert language_of("什么是 GPU？") == "zh"
    assert language_of("What does 年假 mean in this handbook?") == "en"
    assert language_of("123 !?") == "en"


def test_the_passage_with_the_rare_word_scores_best() -> None:
    index = LexicalIndex.build(TEXTS)
    assert index.ids[int(index.scores("hydrogen of the reactor").argmax())] == "a"
    assert index.ids[int(index.scores("病假多少天").argmax())] == "b"


def test_rarity_falls_with_the_passages_that_hold_a_word() -> None:
    index = LexicalIndex.build(TEXTS)
    assert index.rarity("the") < index.rarity("reactor") < index.rarity("unheard")


@pytest.mark.parametrize(
    "question",
    ["the reactor vents hydrogen at 65 bar", "the the the", "unheard of", "年假", "😀", ""],
)
def test_coverage_is_a_share(question: str) -> None:
    found = LexicalIndex.build(TEXTS).coverage(question)
    assert found.shape == (4,)
    assert (found >= 0).all() and (found <= 1).all()


def test_words_that_no_passage_holds_lower_the_coverage() -> None:
    index = LexicalIndex.build(TEXTS)
    assert index.coverage("hydrogen").max() > index.coverage("hydrogen zeppelin").max()


@pytest.mark.parametrize("texts", [TEXTS, [("x", "!!!"), ("y", "😀")], []])
def test_what_is_saved_is_loaded_again(tmp_path: Path, texts: list[tuple[str, str]]) -> None:
    index = LexicalIndex.build(texts)
    index.save(tmp_path / "lexical")
    again = LexicalIndex.load(tmp_path / "lexical")
    assert again.ids == [name for name, _ in texts]
    for question in ("the reactor", "年假", "nothing known", ""):
        np.testing.assert_array_equal(index.scores(question), again.scores(question))


def test_the_second_writer_of_the_same_index_does_no_harm(tmp_path: Path) -> None:
    for _ in range(2):
        LexicalIndex.build(TEXTS).save(tmp_path / "lexical")
    assert [path.name for path in tmp_path.iterdir()] == ["lexical"]
    assert LexicalIndex.load(tmp_path / "lexical").scores("hydrogen")[0] > 0
