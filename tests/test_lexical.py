"""The lexical leg: what counts as a word, and an index that survives the disk."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import bm25s
import numpy as np
import pytest
from bm25s.tokenization import Tokenized

from rag import lexical, postings
from rag.everyday import everyday_texts
from rag.lexical import K1, B, LexicalIndex
from workbench.language import language_of, words

ROOT = Path(__file__).resolve().parents[1]

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


@pytest.fixture(scope="module")
def real() -> list[tuple[str, str]]:
    """Paragraphs of the documentation in both languages."""
    paragraphs: list[str] = []
    for page in sorted((ROOT / "docs").glob("*/*.md")):
        paragraphs += [text for text in page.read_text("utf-8").split("\n\n") if len(text) > 60]
    return [(f"p{row}", text) for row, text in enumerate(dict.fromkeys(paragraphs))]


@pytest.fixture(scope="module")
def asked() -> list[str]:
    columns = everyday_texts()
    words_of_docs = ["how is a collection calibrated", "怎样发布微调模型", "GPU memory of LoRA"]
    return [*columns["question en"], *columns["question zh"], *words_of_docs]


def test_scores_and_ranks_are_those_of_bm25s(
    real: list[tuple[str, str]], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings, "PART", 100)  # so that parts are joined
    index = LexicalIndex.build(real)
    vocabulary: dict[str, int] = {}
    told = [[vocabulary.setdefault(word, len(vocabulary)) for word in words(t)] for _, t in real]
    raw = bm25s.BM25(method="lucene", k1=K1, b=B)
    tokens = Tokenized(ids=told, vocab=vocabulary)
    raw.index(tokens, create_empty_token=False, show_progress=False)
    assert index.size > 400
    for question in asked:
        known = [vocabulary[word] for word in words(question) if word in vocabulary]
        wanted = raw.get_scores_from_ids(known)
        found = index.scores(question)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
        assert list(np.argsort(-found, kind="stable")[:20]) == list(
            np.argsort(-wanted, kind="stable")[:20]
        )


def test_a_changed_index_ranks_as_one_that_is_built_again(
    real: list[tuple[str, str]], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = len(real) - 30
    index = LexicalIndex.build(real[:some])
    monkeypatch.setattr(lexical, "DRIFT", 0.1)
    index = index.changed(["p3", "p7", "unknown"], real[some : some + 10])
    index = index.changed(["p0", real[some][0]], real[some + 10 :] + real[3:4])
    left = [pair for pair in real if pair[0] not in ("p0", "p3", "p7", real[some][0])]
    fresh = LexicalIndex.build(left + real[3:4])
    assert len(index.parts) == 2, "all was written again"
    assert (index.size, index.ids) == (fresh.size, fresh.ids)
    assert list(index.rows_of(["p4", "p3", "p0", real[-1][0]])) == [2, len(left), -1, len(left) - 1]
    for language in ("en", "zh"):
        np.testing.assert_array_equal(index.rows_in(language), fresh.rows_in(language))
    for question in asked:
        found, wanted = index.scores(question), fresh.scores(question)
        np.testing.assert_allclose(found, wanted, rtol=0.05, atol=0.001)
        assert [index.held(word) for word in words(question)] == [
            fresh.held(word) for word in words(question)
        ]
        assert index.ids_at(found.argsort()[-1:]) == fresh.ids_at(wanted.argsort()[-1:])


def test_many_changes_make_one_part_again(real: list[tuple[str, str]], asked: list[str]) -> None:
    index = LexicalIndex.build(real[: len(real) // 2]).changed(["p1"], real[len(real) // 2 :])
    fresh = LexicalIndex.build([pair for pair in real if pair[0] != "p1"])
    assert len(index.parts) == 1
    assert index.ids == fresh.ids
    for question in asked:
        np.testing.assert_array_equal(index.scores(question), fresh.scores(question))


def test_a_changed_index_is_linked_to_what_lies_on_disk(
    real: list[tuple[str, str]], tmp_path: Path
) -> None:
    LexicalIndex.build(real[:-5]).save(tmp_path / "old")
    LexicalIndex.load(tmp_path / "old").changed(["p2"], real[-5:]).save(tmp_path / "new")
    linked = tmp_path / "new" / "part-0" / "rows.npy"
    assert linked.samefile(tmp_path / "old" / "part-0" / "rows.npy")
    shutil.rmtree(tmp_path / "old")
    again = LexicalIndex.load(tmp_path / "new")
    assert again.ids == [name for name, _ in real if name != "p2"]


SAVE = """
import os, signal, sys
from pathlib import Path
import numpy as np
from rag.lexical import LexicalIndex
save, left = np.save, [int(sys.argv[2])]
def stop(*args, **options):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    save(*args, **options)
np.save = stop
LexicalIndex.build([("a", "one two")]).save(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("written", [0, 5])
def test_a_killed_writer_leaves_no_index(tmp_path: Path, written: int) -> None:
    ended = subprocess.run([sys.executable, "-c", SAVE, tmp_path / "lexical", str(written)])
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "lexical").exists()
