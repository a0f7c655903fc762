"""Continued pre-training on the project's own pages: checked, learned, counted, stopped and taken
up again, sampled beside its base.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from finetune.run.check import check
from finetune.run.config import load_config
from finetune.run.metrics import points_of, read_metrics
from finetune.run.runs import Run, open_run
from finetune.train.small_model import make_small_model
from finetune.train.training import train
from workbench.cli import workbench
from workbench.errors import Conflict, Stopped
from workbench.settings import Settings, load_settings

PAGES = Path(__file__).resolve().parents[1] / "docs"
RUN = """
task = "pretrain"
base = "base"
seed = 7
[data]
train = ["zh", "en.jsonl"]
eval_share = 0.1
max_length = 32
[pretrain]
documents = "paragraph"
isolated = true
weights = [1.5, 1.0]
[lora]
rank = 8
modules_to_save = ["embed_tokens"]
[training]
steps = 24
batch = 16
learning_rate = 1e-2
warmup = 0.1
[saving]
eval_every = 12
report_to = []
samples = 2
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages in Chinese as text files, one in English as JSON lines, and a base that knows none."""
    folder = tmp_path_factory.mktemp("pretrain")
    chinese = [(PAGES / "zh" / name).read_text("utf-8") for name in ("training.md", "models.md")]
    english = (PAGES / "en" / "models.md").read_text("utf-8")
    (folder / "zh").mkdir()
    for number, page in enumerate(chinese):
        (folder / "zh" / f"{number}.txt").write_text(page, "utf-8")
    rows = [json.dumps({"text": text}) for text in english.split("\n\n")]
    (folder / "en.jsonl").write_text("\n".join(rows), "utf-8")
    make_small_model(folder / "base", [*chinese, english], layers=2, width=64, words=900)
    (folder / "run.toml").write_text(RUN, "utf-8")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def learned(project: Path, home: Settings) -> Run:
    return train_here(project / "run.toml", home)


@pytest.fixture
def samples(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """The last line of `workbench finetune samples RUN …`."""
    monkeypatch.setenv("WORKBENCH_HOME", str(home.home))

    def invoke(*arguments: str) -> dict[str, Any]:
        done = CliRunner().invoke(workbench, ["finetune", "samples", *arguments, "--json"])
        assert done.exit_code == 0, done.output
        last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return last

    return invoke


def train_here(
    path: Path, home: Settings, name: str = "", stopped: Callable[[], bool] = lambda: False
) -> Run:
    config = load_config(path, name=name)
    run = open_run(path, config, home)
    train(run, config, home, lambda event: None, stopped)
    return run


def test_every_token_is_accounted_for(learned: Run) -> None:
    data = learned.card["data"]
    assert [one["weight"] for one in data["train"]["corpora"]] == [1.5, 1.0]
    for one in data["train"]["corpora"]:
        assert one["tokens"] == one["taught_tokens"] + one["held_out_tokens"] + one["remainder"]
        assert one["taught_tokens"] == one["blocks"] * 32
        assert one["held_out_tokens"] > one["tokens"] * 0.08
        assert one["documents"] > 10
    chinese, english = (one["blocks"] for one in data["train"]["corpora"])
    assert data["train"]["rows"] == chinese + round(chinese / 2) + english
    measured = sum(one["held_out_tokens"] for one in data["train"]["corpora"])
    assert data["eval"]["tokens"] == measured
    rows = [json.loads(line) for line in learned.eval_data.read_text("utf-8").splitlines()]
    kept = sum(len(row["text"]) for row in rows)
    assert abs(kept - data["eval"]["characters"]) < 5


def test_the_perplexity_of_what_is_held_out_falls(learned: Run) -> None:
    rows = read_metrics(learned.metrics)
    found = points_of(rows, "perplexity_per_character")
    assert [step for step, _ in found] == [12, 24]
    assert found[1][1] < found[0][1]
    assert len(points_of(rows, "perplexity")) == 2
    samples = read_metrics(learned.folder / "samples.jsonl")
    assert [row["step"] for row in samples] == [12, 12, 24, 24]
    assert all(row["question"] and row["reference"] for row in samples)


def test_samples_before_and_after_with_their_perplexities(
    learned: Run, samples: Callable[..., dict[str, Any]]
) -> None:
    found = samples(learned.name, "--prompt", "训练", "-n", "3")
    assert len(found["before"]) == len(found["after"]) == 3
    assert len({*found["before"], *found["after"]}) == 6
    assert found["per"] == "token"
    assert found["perplexity_after"] < 0.7 * found["perplexity_before"]
    before, after = found["perplexity_per_character"]
    assert after < 0.7 * before
    logged = points_of(read_metrics(learned.metrics), "perplexity_per_character")[-1][1]
    assert after == pytest.approx(logged, rel=0.15)  # it attends to the documents before, too
    kept = read_metrics(learned.folder / "continuations.jsonl")
    assert kept[-1]["after"] == found["after"]


def test_stopped_and_taken_up_again_it_ends_the_same(
    learned: Run, project: Path, home: Settings
) -> None:
    asked = iter([False] * 9)
    with pytest.raises(Stopped, match=r"Cancelled at step \d+ of 24"):
        train_here(project / "run.toml", home, "again", lambda: next(asked, True))
    run = train_here(project / "run.toml", home, "again")
    assert run.finished
    for key in ("loss", "eval_loss"):
        expected = dict(points_of(read_metrics(learned.metrics), key))
        found = dict(points_of(read_metrics(run.metrics), key))
        assert len(found) == len(expected) >= 2
        assert found == pytest.approx(expected, abs=1e-6)


def test_other_text_is_not_learned_by_a_run_that_has_begun(project: Path, home: Settings) -> None:
    asked = iter([False] * 6)
    with pytest.raises(Stopped):
        train_here(project / "run.toml", home, "changed", lambda: next(asked, True))
    page = project / "zh" / "0.txt"
    text = page.read_text("utf-8")
    page.write_text(text + "新的一行。\n", "utf-8")
    try:
        with pytest.raises(Conflict, match="has changed since this run began"):
            train_here(project / "run.toml", home, "changed")
    finally:
        page.write_text(text, "utf-8")


def test_only_the_rows_of_new_tokens_are_learned_and_a_base_alone_goes_on(
    project: Path, home: Settings, samples: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """A base with an extended vocabulary, and without a chat template."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = tmp_path / "base"
    base.symlink_to(project / "base")
    model = make_small_model(
        tmp_path / "extended", [(PAGES / "zh" / "models.md").read_text("utf-8")], words=600
    )
    (model / "chat_template.jinja").unlink(missing_ok=True)
    figures = {"base": str(base), "first_id": 590, "added": 10}
    (model / "vocabulary.json").write_text(json.dumps(figures), "utf-8")
    text = RUN.replace('"base"\nseed', '"extended"\nseed').replace("steps = 24", "steps = 2")
    text = text.replace('modules_to_save = ["embed_tokens"]\n', "")
    text = text.replace('"zh", "en.jsonl"', json.dumps(str(project / "zh")))
    text = text.replace("weights = [1.5, 1.0]\n", "").replace("eval_every = 12", "eval_every = 2")
    (tmp_path / "rows.toml").write_text(text, "utf-8")
    report = check(tmp_path / "rows.toml", home)
    assert not report.problems
    run = train_here(tmp_path / "rows.toml", home)
    before = AutoModelForCausalLM.from_pretrained(model)
    rows = before.get_input_embeddings().weight.detach().clone()
    tuned = PeftModel.from_pretrained(before, str(run.adapter)).merge_and_unload()
    changed = (tuned.get_input_embeddings().weight != rows).any(1).nonzero().flatten().tolist()
    assert changed and set(changed) <= set(range(590, 600))
    assert AutoTokenizer.from_pretrained(run.adapter).chat_template
    found = samples("rows", "--prompt", "模型", "-n", "1")
    assert found["per"] == "character"
    assert len(found["before"]) == 1


def test_check_says_everything_at_once(project: Path, home: Settings, tmp_path: Path) -> None:
    report = check(project / "run.toml", home)
    assert not report.problems
    config = load_config(project / "run.toml")
    assert config.task_settings.isolated
    assert report.estimate["corpus_tokens_exact"]
    assert report.estimate["steps"] == 24
    assert report.encoded and len(report.encoded.rows[0].input_ids) == 32

    (tmp_path / "binary.txt").write_bytes(bytes(range(256)))
    wrong = RUN.replace('"zh", "en.jsonl"', '"none.txt", "binary.txt", "here"')
    wrong = wrong.replace('base = "base"', f"base = {json.dumps(str(project / 'base'))}")
    wrong = wrong.replace("max_length = 32", 'max_length = 32\nsystem = "Be kind."')
    (tmp_path / "here").mkdir()
    (tmp_path / "wrong.toml").write_text(wrong, "utf-8")
    found = [
        (row["where"], row["problem"]) for row in check(tmp_path / "wrong.toml", home).problems
    ]
    expected = {
        "data.system": "does not read this setting",
        "pretrain.weights": "2 weights for 3 entries",
        str(tmp_path / "none.txt"): "There is no file or folder",
        str(tmp_path / "binary.txt"): "is no text",
        str(tmp_path / "here"): "holds no text",
    }
    assert [where for where, _ in found] == list(expected)
    assert all(expected[where] in problem for where, problem in found)

    short = RUN.replace('"zh", "en.jsonl"', '"short.txt"').replace("weights = [1.5, 1.0]\n", "")
    short = short.replace('base = "base"', f"base = {json.dumps(str(project / 'base'))}")
    (tmp_path / "short.txt").write_text("短。", "utf-8")
    (tmp_path / "short.toml").write_text(short, "utf-8")
    [row] = check(tmp_path / "short.toml", home).problems
    assert "and a block 32" in row["problem"]


def test_the_count_of_check_is_that_of_the_training(
    learned: Run, project: Path, home: Settings
) -> None:
    counted = check(project / "run.toml", home).estimate["corpus_tokens"]
    assert counted == sum(one["tokens"] for one in learned.card["data"]["train"]["corpora"])
