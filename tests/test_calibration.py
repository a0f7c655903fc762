"""What a collection teaches about its legs, from nothing but its own text."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest

from rag import embeddings
from rag.calibration import DEFAULT_FLOOR, calibrate, load_calibration
from rag.fusion import fuse, reciprocal_ranks
from rag.learning import DEFAULT_WEIGHT, fit_weight
from rag.made_questions import make_jumbles, make_questions
from tests.retrieval_fakes import NoiseEmbedder, TopicEmbedder, make_collection, topics
from workbench.settings import Settings


@pytest.fixture(autouse=True)
def known_embedders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "_load", lambda name, cache, host: EMBEDDERS[name])


EMBEDDERS = {"noise": NoiseEmbedder(), "topic": TopicEmbedder()}


def test_an_embedder_that_knows_nothing_is_not_heard(settings: Settings) -> None:
    collection = make_collection(settings, topics(80), EMBEDDERS["noise"])
    learned = calibrate(collection, settings).weights["en"]
    assert learned.weight == 0
    assert learned.dense < learned.lexical == learned.fused


def test_where_no_words_are_shared_the_embedder_decides(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every word is written in a way of its own each time; the embedder alone sees through it."""
    monkeypatch.setitem(EMBEDDERS, "topic", TopicEmbedder(lambda word: word.split("q")[0]))
    texts = {
        name: re.sub(r"\w+", lambda word: f"{word[0]}q{word.start()}q{name[4:7]}", text)  # noqa: B023 – used at once
        for name, text in topics(80).items()
    }
    collection = make_collection(settings, texts, EMBEDDERS["topic"])
    learned = calibrate(collection, settings).weights["en"]
    assert learned.weight == 1
    assert learned.dense > 0.3 > 10 * learned.lexical


def test_two_legs_with_different_gaps_are_both_heard() -> None:
    chance = np.random.default_rng(3)
    wanted = chance.integers(0, 200, 300)
    dense, lexical = chance.normal(0.2, 0.1, (300, 200)), chance.normal(0.2, 0.1, (300, 200))
    dense[np.arange(300), wanted] += 0.25
    lexical[np.arange(300), wanted] += 0.25
    weight = fit_weight(dense, lexical, wanted)
    assert 0.4 < weight < 0.6
    better = max(reciprocal_ranks(leg, wanted).mean() for leg in (dense, lexical))
    assert reciprocal_ranks(fuse(dense, lexical, weight), wanted).mean() > better + 0.05


def test_the_weight_follows_the_stronger_leg() -> None:
    chance = np.random.default_rng(4)
    wanted = chance.integers(0, 100, 300)
    weights = []
    for lift in (0.05, 0.15, 0.3):
        dense, lexical = chance.normal(0, 0.1, (300, 100)), chance.normal(0, 0.1, (300, 100))
        dense[np.arange(300), wanted] += lift
        lexical[np.arange(300), wanted] += 0.15
        weights.append(fit_weight(dense, lexical, wanted))
    assert weights == sorted(weights)


def test_questions_leave_their_sentence_out_and_come_from_many_passages() -> None:
    texts = list(topics(50).values())
    rounds = make_questions(texts, count=120)
    assert sum(map(len, rounds)) == 120
    assert [len(asked) for asked in rounds] == [50, 50, 20]
    for asked in rounds:
        assert len({cloze.row for cloze in asked}) == len(asked)
        for cloze in asked:
            assert cloze.question in texts[cloze.row]
            assert cloze.question not in cloze.rest
            assert len(cloze.question.split()) <= 8


def test_chinese_questions_are_sixteen_characters() -> None:
    text = (
        "本手册适用于全体在职员工以及实习人员和外聘顾问。"
        "年假按照入职年限逐年增加直到二十天为止。病假需要提供医院证明材料。"
    )
    for asked in make_questions([text], count=5):
        for cloze in asked:
            assert 4 <= len(cloze.question) <= 16


@pytest.mark.parametrize(
    "texts", [[], ["One sentence only, so nothing would be left."], ["!!!"], ["a b. c d."]]
)
def test_nothing_is_asked_of_too_little_text(texts: list[str]) -> None:
    assert make_questions(texts) == []


def test_jumbles_mix_unrelated_passages() -> None:
    texts = list(topics(50).values())
    jumbles = make_jumbles(texts, "en", random.Random(1), 40)
    assert len(jumbles) == 40
    assert not any(jumble in text for jumble in jumbles for text in texts)
    assert make_jumbles(texts[:5], "en", random.Random(1)) == []
    assert make_jumbles(texts, "zh", random.Random(1)) == []


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_handful_of_passages_gets_the_defaults(settings: Settings, size: int) -> None:
    collection = make_collection(settings, topics(size), EMBEDDERS["topic"])
    found = calibrate(collection, settings)
    assert found.weights == {} and found.floors == {}
    assert found.weight("What is this?") == DEFAULT_WEIGHT
    assert found.floor("这是什么？") == DEFAULT_FLOOR


def test_what_was_learned_is_stored_with_its_revision(settings: Settings) -> None:
    collection = make_collection(settings, topics(40), EMBEDDERS["topic"])
    assert load_calibration(collection).revision == -1
    found = calibrate(collection, settings)
    assert load_calibration(collection) == found
    assert (found.revision, found.passages) == (collection.revision, 40)
    assert calibrate(collection, settings) == found  # the same questions each time


def test_a_file_of_another_version_counts_as_none(settings: Settings) -> None:
    collection = make_collection(settings, topics(40), EMBEDDERS["topic"])
    for content in (
        "",
        "{",
        "[]",
        json.dumps({"revision": 1, "passages": 1, "weights": {"en": {"w": 1}}}),
    ):
        (collection.folder / "calibration.json").write_text(content)
        assert load_calibration(collection).weights == {}
