"""An answer and a reference -> scores: what each measure holds for the same, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tiny_models import make_encoder
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.models.encoders import encoder_folder
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


def test_bertscore_is_the_librarys_whatever_the_batch(settings: Settings, tmp_path: Path) -> None:
    import bert_score
    from bert_score import BERTScorer

    pairs = [
        ("She is from Liyue, a harbour far in the west.", "Liyue"),
        ("", "Liyue"),
        ("<think>Hm.</think>Wind", "Geo"),
        ("璃", "Liyue"),  # a character that the encoder does not know
        ("She is from Liyue, a harbour far in the west.", "Liyue"),
    ]
    name = str(make_encoder(tmp_path / "bert-base-uncased"))
    encoder = find_encoder(name, ["Liyue"], settings, layer=2)
    assert encoder.facts == {"encoder": name, "layer": 2, "rescaled": False}
    seen: list[dict[str, object]] = []
    together = bertscore(encoder, pairs, seen.append)
    assert seen[0]["of"] == 3  # equal pairs once, empty ones never
    assert together[1] == (0.0, 0.0, 0.0)
    assert together[0] == together[4]
    library = BERTScorer(model_type=name, num_layers=2, device="cpu")
    for place, answer in {0: pairs[0][0], 2: "Wind", 3: "璃"}.items():
        alone = library.score([answer], [pairs[place][1]])
        assert together[place] == pytest.approx([float(one) for one in alone], abs=1e-4)

    rescaled = find_encoder(name, ["Liyue"], settings, layer=2, rescale=True)
    assert rescaled.facts["rescaled"]
    measured = Path(bert_score.__file__).parent / "rescale_baseline/en/bert-base-uncased.tsv"
    library = BERTScorer(
        model_type=name,
        num_layers=2,
        device="cpu",
        lang="en",
        rescale_with_baseline=True,
        baseline_path=str(measured),
    )
    alone = library.score([pairs[0][0]], [pairs[0][1]])
    low = bertscore(rescaled, pairs)
    assert low[0] == pytest.approx([float(one) for one in alone], abs=1e-4)
    assert low[1][2] < 0  # an empty answer is worse than one about something else


def test_what_cannot_be_counted_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no measure bleu"):
        score_pairs(["bleu"], [], Means(settings))
    with pytest.raises(NotFound, match="no packaged encoder"):
        encoder_folder("packaged:none", settings)
    with pytest.raises(NotFound, match="no folder"):
        encoder_folder("./none", settings)
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 12}))
    with pytest.raises(InvalidInput, match="safetensors"):
        encoder_folder(str(tmp_path), settings)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(InvalidInput, match="12 layers"):
        find_encoder(str(tmp_path), ["Liyue"], settings, layer=13)
    with pytest.raises(InvalidInput, match="no baseline"):
        find_encoder(str(tmp_path), ["Liyue"], settings, rescale=True)
    assert find_encoder(str(tmp_path), ["Liyue"], settings).layer == 10
    with pytest.raises(Unavailable, match="cannot be loaded"):
        bertscore(find_encoder(str(tmp_path), ["Liyue"], settings), [("a", "b")])


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
