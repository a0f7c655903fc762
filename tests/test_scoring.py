"""An answer and a reference -> scores: what each measure holds for the same, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.errors import InvalidInput, NotFound
from workbench.models.encoders import DEFAULT, encoder_folder
from workbench.scoring.answers import contains, exact, normalised, numbers_and_names, shared_words
from workbench.scoring.bertscore import bertscore, find_encoder
from workbench.scoring.measures import MEASURES, Means, score_pairs
from workbench.scoring.names import names
from workbench.settings import Settings

CONTAINED = [
    ("Paris.", "paris"),
    ("<think>Rome?</think>It is Paris", "Paris"),
    ("她来自璃月。", "璃月"),
    ("裏面有 １２ 個", "里面有12个"),
    ("It costs 1,000 euros", "1000 euros"),
    ("the “Red-Team”", "red team"),
]
NOT_CONTAINED = [
    ("a party", "art"),
    ("It is 3.5 m", "5 m"),
    ("-5 degrees", "5 degrees"),
    ("<think>Paris</think>Rome", "Paris"),
    ("", "Paris"),
]


def test_an_answer_contains_its_reference_whatever_the_setting() -> None:
    assert [contains(*pair) for pair in CONTAINED] == [1.0] * len(CONTAINED)
    assert [contains(*pair) for pair in NOT_CONTAINED] == [0.0] * len(NOT_CONTAINED)
    assert contains("→", "→") == 1.0
    assert contains("←", "→") == 0.0
    assert normalised("璃月 (Liyue), 1,200.5%") == "璃 月 liyue 1200.5"


def test_exact_is_sign_for_sign_and_shared_words_are_counted() -> None:
    assert exact("<think>Hm.</think> Paris\n", "Paris") == 1.0
    assert exact("paris", "Paris") == 0.0
    assert shared_words("她来自璃月", "璃月") == pytest.approx(4 / 7)
    assert shared_words("", "璃月") == 0.0


def test_numbers_with_their_units_and_names_are_compared() -> None:
    reference = "Ask Anna Meyer within 28 days, by 4 pm."
    assert numbers_and_names("28天之内，16:00前找 Anna Meyer", reference) == 1.0
    assert numbers_and_names("Anna Meyer has 28 weeks, by 4 pm", reference) == 0.0
    assert numbers_and_names("Bob Meyer has 28 days, by 4 pm", reference) == 0.0
    assert numbers_and_names("on 5月3日", "on 3 May") == 1.0
    assert numbers_and_names("She is from Liyue", "liyue") == 1.0  # nothing to hold: contained
    assert names("I asked Zhongli and the 经理王萍") == ["王萍", "Zhongli"]


def test_rouge_reads_chinese() -> None:
    pairs = [("他住在北京", "他住在上海"), ("the cat sat", "the cat ran"), ("", "空")]
    rows = score_pairs(["rouge"], pairs, Means(Settings()))
    assert rows[0] == pytest.approx({"rouge1": 0.6, "rouge2": 0.5, "rougeL": 0.6})
    assert rows[1] == pytest.approx({"rouge1": 2 / 3, "rouge2": 0.5, "rougeL": 2 / 3})
    assert set(rows[2].values()) == {0.0}


def test_bertscore_is_the_librarys_whatever_the_batch(settings: Settings) -> None:
    pairs = [
        ("She is from Liyue.", "Liyue"),
        ("", "Liyue"),
        ("他来自璃月，是一位顾问。", "璃月"),
        ("<think>Hm.</think>风", "岩"),
        ("She is from Liyue.", "Liyue"),
    ]
    encoder = find_encoder(DEFAULT, ["Liyue"], settings)
    assert encoder.facts == {"encoder": DEFAULT, "layer": 10, "rescaled": False}
    seen: list[dict[str, object]] = []
    together = bertscore(encoder, pairs, seen.append)
    assert seen[0]["of"] == 3
    assert together[1] == (0.0, 0.0, 0.0)
    assert together[0] == together[4]
    assert together[0][2] > together[3][2]

    from bert_score import BERTScorer

    library = BERTScorer(model_type=str(encoder.folder), num_layers=10, device="cpu")
    for place, (answer, reference) in {0: pairs[0], 2: pairs[2], 3: ("风", "岩")}.items():
        alone = library.score([answer], [reference])
        assert together[place] == pytest.approx([float(one) for one in alone], abs=1e-4)


def test_what_cannot_be_counted_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no measure bleu"):
        score_pairs(["bleu"], [], Means(settings))
    with pytest.raises(NotFound, match="no packaged encoder"):
        encoder_folder("packaged:none", settings)
    with pytest.raises(NotFound, match="no folder"):
        encoder_folder("./none", settings)
    with pytest.raises(InvalidInput, match="12 layers"):
        find_encoder(DEFAULT, ["Liyue"], settings, layer=13)
    with pytest.raises(InvalidInput, match="no baseline"):
        find_encoder(DEFAULT, ["Liyue"], settings, rescale=True)
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 24}))
    with pytest.raises(InvalidInput, match="safetensors"):
        encoder_folder(str(tmp_path), settings)


def test_the_librarys_layer_and_baseline_are_taken_by_name(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "bert-base-chinese"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"num_hidden_layers": 12}))
    (folder / "model.safetensors").write_bytes(b"")
    found = find_encoder(str(folder), ["璃月"], settings, rescale=True)
    assert found.layer == 8
    assert found.baseline == pytest.approx((0.54805, 0.54801, 0.54756), abs=1e-4)


def test_every_measure_has_its_row() -> None:
    assert len(MEASURES) == 7
    for name, row in MEASURES.items():
        assert row.name == name
        assert row.main in row.columns
        assert (row.count is None) == (row.needs == "weights")
