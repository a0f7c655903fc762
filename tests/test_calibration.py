"""What a collection teaches about its legs, from nothing but its own text."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest

from rag import embeddings
from rag.calibration import calibrate, join, load_calibration, refresh
from rag.everyday import LANGUAGES, everyday, everyday_texts
from rag.fusion import fuse, reciprocal_ranks, standard
from rag.learning import DEFAULT_FLOOR, PRIOR, UNREAD, choose_share
from rag.made_questions import make_jumbles, make_questions
from rag.retriever import retrieve
from rag.store import create_collection
from tests.retrieval_fakes import (
    DIMENSION,
    BilingualEmbedder,
    NoiseEmbedder,
    TopicEmbedder,
    fill,
    make_collection,
    meaning_of,
    topics,
)
from workbench.settings import Settings


@pytest.fixture(autouse=True)
def known_embedders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "_load", lambda name, *_: EMBEDDERS[name])


EMBEDDERS = {
    "noise": NoiseEmbedder(),
    "topic": TopicEmbedder(),
    "bilingual": BilingualEmbedder(meaning_of),
}


def test_an_embedder_that_knows_nothing_is_not_heard(settings: Settings) -> None:
    collection = make_collection(settings, topics(80), EMBEDDERS["noise"])
    learned = calibrate(collection, settings).weights["en"]
    assert learned.share == 0
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
    assert learned.share == 1
    assert learned.dense > 0.3 > 10 * learned.lexical


def _legs(lift: float, other: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both legs' scores of 300 questions on 100 passages, and each question's passage.

    The passage's scores are lifted by so many standard deviations.
    """
    chance = np.random.default_rng(seed)
    wanted = chance.integers(0, 100, 300)
    dense = chance.normal(0.8, 0.03, (300, 100))
    lexical = chance.normal(0.1, 0.05, (300, 100))
    dense[np.arange(300), wanted] += lift * 0.03
    lexical[np.arange(300), wanted] += other * 0.05
    return dense, lexical, wanted


def test_the_prior_stays_unless_another_share_is_surely_better() -> None:
    assert choose_share(*_legs(3, 2.5), 0.55) == 0.55
    dense, lexical, wanted = _legs(2, 3)
    moved = choose_share(dense, lexical, wanted, PRIOR)
    assert 0.05 < moved < PRIOR
    usual, better = (
        reciprocal_ranks(fuse(standard(dense), standard(lexical), share), wanted).mean()
        for share in (PRIOR, moved)
    )
    assert better > usual + 0.02


def test_the_share_follows_the_stronger_leg_and_a_useless_one_is_left_out() -> None:
    shares = [choose_share(*_legs(lift, 2.5), PRIOR) for lift in (0.2, 1.6, 2.5, 6)]
    assert shares == sorted(shares) and shares[0] == 0
    assert choose_share(*_legs(3, 0.1), PRIOR) == 1


def test_the_everyday_lines_say_the_same_in_both_languages() -> None:
    texts = everyday_texts()
    assert {len(column) for column in texts.values()} == {40}
    assert len(set(texts["sentence zh"])) == len(set(texts["question en"])) == 40


def test_an_embedder_that_reads_no_language_is_hardly_heard_before_anything_is_learned(
    settings: Settings,
) -> None:
    known = everyday(EMBEDDERS["noise"])
    assert not any(known.reads(asked, written) for asked in LANGUAGES for written in LANGUAGES)
    known = everyday(EMBEDDERS["bilingual"])
    assert all(known.reads(asked, written) for asked in LANGUAGES for written in LANGUAGES)
    for name, share in (("noise", UNREAD), ("bilingual", PRIOR)):
        collection = create_collection(settings, name, name, DIMENSION)
        fill(collection, topics(3), EMBEDDERS[name])
        assert calibrate(collection, settings).share("en") == share


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
    collection = make_collection(settings, topics(size), EMBEDDERS["bilingual"])
    found = calibrate(collection, settings)
    assert found.weights == {}
    assert found.share("en") == PRIOR
    assert set(found.floors) == ({"en>en", "zh>en"} if size else set())
    assert found.floor("zh", "zh") == DEFAULT_FLOOR


def test_what_was_learned_is_stored_with_its_revision(settings: Settings) -> None:
    collection = make_collection(settings, topics(40), EMBEDDERS["topic"])
    assert load_calibration(collection).revision == -1
    found = calibrate(collection, settings)
    stored = load_calibration(collection)
    assert stored == found and stored.spreads.keys() == {"en"}
    np.testing.assert_array_equal(stored.spreads["en"].second, found.spreads["en"].second)
    assert (found.revision, found.passages) == (collection.revision, 40)
    assert found.languages == {"en": 40}
    assert calibrate(collection, settings) == found  # the same questions each time


def test_a_spread_gives_the_moments_of_a_question_s_cosines(settings: Settings) -> None:
    collection = make_collection(settings, topics(40), EMBEDDERS["topic"])
    spread = calibrate(collection, settings).spreads["en"]
    _, vectors = collection.passages_and_vectors([name for name, _ in collection.texts()])
    others = everyday(EMBEDDERS["topic"]).sentences["en"]
    question = EMBEDDERS["topic"].embed(["topic7x1 common3"])[0]
    cosines = np.concatenate([vectors, others]) @ question
    np.testing.assert_allclose(spread.moments(question), (cosines.mean(), cosines.std()), rtol=1e-4)


def test_new_passages_move_the_spread_and_leave_what_was_learned(settings: Settings) -> None:
    collection = make_collection(settings, topics(40), EMBEDDERS["topic"])
    found = calibrate(collection, settings)
    fill(collection, {"new.md": "A zebra has stripes."}, EMBEDDERS["topic"])
    refresh(collection, settings)
    stored = load_calibration(collection)
    assert stored == found and stored.spreads["en"].passages == 41


def test_several_collections_learn_as_one_by_their_sizes(settings: Settings) -> None:
    learned = []
    for name, size in (("large", 30), ("small", 10)):
        collection = create_collection(settings, name, "topic", DIMENSION)
        learned.append(calibrate(fill(collection, topics(size), EMBEDDERS["topic"]), settings))
    both = join(learned)
    assert both.passages == both.spreads["en"].passages == 40
    floors = [one.floor("en", "en").score for one in learned]
    assert both.floor("en", "en").score == pytest.approx((3 * floors[0] + floors[1]) / 4)
    assert join(learned[:1]) is learned[0]


def test_a_file_of_another_version_counts_as_none(settings: Settings) -> None:
    collection = make_collection(settings, topics(40), EMBEDDERS["topic"])
    calibrate(collection, settings)
    old = {"weight": 0.4, "questions": 300, "dense": 0.1, "lexical": 0.2, "fused": 0.3}
    for content in (
        "",
        "{",
        "[]",
        json.dumps({"revision": 1, "passages": 1, "weights": {"en": {"w": 1}}}),
        json.dumps({"revision": 1, "passages": 1, "weights": {"en": old}, "floors": {"en": 0.2}}),
    ):
        (collection.folder / "calibration.json").write_text(content)
        assert load_calibration(collection).weights == {}
        assert retrieve("topic7x1", collection, settings)[0].passage.source == "file007.md"
