"""A task or a method is one row: check, the run file, the page and the card know it at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opened_pages import page
from pydantic import Field
from streamlit.testing.v1 import AppTest
from training_fixtures import RUN, write_project

from finetune.methods import METHODS
from finetune.run.check import check
from finetune.run.config import ConfigProblems, load_config
from finetune.run.estimate import estimate
from finetune.run.preparation import Sets, describe
from finetune.run.run_text import Choices, write_run_text
from finetune.section import MethodSection, Section, problem
from finetune.tasks import TASKS
from finetune.weights import Weights, read_weights
from workbench.settings import Settings
from workbench.ui.translation import in_chinese

__all__ = ["page"]


class Whisper(MethodSection):
    """The settings of a method that nobody has."""

    volume: int = Field(3, ge=1, le=10)
    rank: int = Field(2, ge=1)


class Echo(Section):
    """The settings of a task that nobody has."""

    times: int = Field(2, ge=1)


def refuse_loud(settings: Whisper, weights: Weights) -> list[dict[str, str]]:
    if settings.volume < 9:
        return []
    return [problem("whisper.volume", "too loud", "Lower whisper.volume.")]


@pytest.fixture
def whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy method with a section of its own."""
    row = replace(
        METHODS["lora"],
        name="whisper",
        title=("Whisper", "耳语"),
        section="whisper",
        settings=Whisper,
        trainable=lambda settings, weights: settings.volume,
        memory=lambda weights, trained, bytes_each: 5e9,
        problems=refuse_loud,
        merges_into_gguf=False,
        adapter_in_gguf=False,
    )
    monkeypatch.setitem(METHODS, "whisper", row)


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy task with a section of its own."""
    row = replace(TASKS["sft"], name="echo", title=("Echo", "回声"), section="echo", settings=Echo)
    monkeypatch.setitem(TASKS, "echo", row)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("tables"))


def beside(project: Path, *changes: tuple[str, str]) -> Path:
    text = RUN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = project.with_name("toy.toml")
    path.write_text(text, "utf-8")
    return path


NOTHING = Sets(facts={"train": {"rows": 0, "sha256": ""}})
LORA = "[lora]\nrank = 16\nalpha = 32\ndropout = 0.05"


def test_a_toy_method_is_checked_and_estimated_by_its_row(project: Path, whisper: None) -> None:
    quiet = beside(project, (LORA, "[whisper]\nvolume = 4"))
    assert load_config(quiet).method == "whisper"
    found = check(quiet)
    assert found.problems == []
    assert found.estimate["trainable"] == 4
    assert found.estimate["memory_gb"] >= 5
    loud = check(beside(project, (LORA, "[whisper]\nvolume = 9")))
    assert [row["where"] for row in loud.problems] == ["whisper.volume"]


def test_a_toy_methods_settings_are_validated_with_all_others(project: Path, whisper: None) -> None:
    path = beside(project, (LORA, "[whisper]\nvolume = 11\ntone = 2"), ("seed = 7", "seed = -1"))
    with pytest.raises(ConfigProblems) as raised:
        load_config(path)
    places = {row["where"]: row for row in raised.value.problems}
    assert places.keys() == {"whisper.volume", "whisper.tone", "seed"}
    assert places["whisper.tone"]["fix"] == "Known here: method, volume, rank."


def test_the_card_says_whether_gguf_can_carry_the_method(project: Path, whisper: None) -> None:
    base = project.parent / "base"
    facts = {}
    for name in ("lora", "rslora", "dora"):
        path = beside(project, (LORA, f'[lora]\nmethod = "{name}"'))
        card = describe(load_config(path), base, NOTHING)
        assert card["method"] == name
        assert card["task"] == "sft"
        facts[name] = card["gguf"]
    assert facts["lora"] == facts["rslora"] == {"merged": True, "adapter": True}
    assert facts["dora"] == {"merged": True, "adapter": False}
    toy = describe(load_config(beside(project, (LORA, "[whisper]"))), base, NOTHING)
    assert json.loads(json.dumps(toy["gguf"])) == {"merged": False, "adapter": False}


def test_two_methods_in_one_run_file_are_a_problem(project: Path, whisper: None) -> None:
    with pytest.raises(ConfigProblems, match="one method") as raised:
        load_config(beside(project, (LORA, "[lora]\n[whisper]")))
    assert [row["where"] for row in raised.value.problems] == ["whisper"]
    assert raised.value.config and raised.value.config.method == "lora"


def test_a_toy_task_is_validated_by_its_row(project: Path, echo: None) -> None:
    path = beside(project, ("seed = 7", 'seed = 7\ntask = "echo"'), (LORA, "[echo]\ntimes = 0"))
    with pytest.raises(ConfigProblems) as raised:
        load_config(path)
    assert [row["where"] for row in raised.value.problems] == ["echo.times"]
    with pytest.raises(ConfigProblems, match="sft does not read this section"):
        load_config(beside(project, (LORA, "[echo]")))
    assert load_config(beside(project, ("seed = 7", 'task = "echo"'))).task == "echo"
    assert check(beside(project, ("seed = 7", 'task = "choir"'))).problems[0]["where"] == "task"


def test_the_written_run_file_of_every_method_is_right(project: Path, whisper: None) -> None:
    checked = 0
    for name, row in METHODS.items():
        choices = Choices("base", Path("train.jsonl"), method=name, tuning={"rank": 5})
        path = project.with_name("written.toml")
        path.write_text(write_run_text(choices), "utf-8")
        config = load_config(path)
        assert config.method == name
        assert isinstance(config.tuning, row.settings)
        if "rank" in row.settings.model_fields:
            assert config.tuning.model_dump()["rank"] == 5
        checked += 1
    assert checked >= 5


def test_the_page_offers_the_rows(
    settings: Settings, page: Callable[..., AppTest], whisper: None, echo: None
) -> None:
    write_project(settings.folder("made"))
    uploads = settings.folder("uploads", "training")
    (settings.home / "made" / "train.jsonl").rename(uploads / "people.jsonl")
    app = page("finetune/ui/training.py")
    assert "Whisper" in app.selectbox(key="method").options
    assert "Echo" in app.selectbox(key="training_task").options
    app.selectbox(key="method").set_value("whisper")
    app.selectbox(key="training_task").set_value("echo").run()
    text = "".join(block.value for block in app.code)
    assert 'task = "echo"' in text
    assert '[whisper]\nmethod = "whisper"' in text
    assert "rank = 16" in text  # what the page advises without a base


def test_dora_counts_its_magnitudes_and_lora_does_not(project: Path) -> None:
    weights = read_weights(project.parent / "base")
    found: dict[str, int] = {}
    for name in ("lora", "rslora", "dora"):
        config = load_config(beside(project, (LORA, f'[lora]\nrank = 4\nmethod = "{name}"')))
        found[name] = estimate(config, project.parent / "base", weights, [10])["trainable"]
    assert found["lora"] == found["rslora"] < found["dora"]


def test_problems_of_a_run_file_have_their_chinese(project: Path) -> None:
    path = beside(
        project,
        (
            LORA,
            '[lora]\nrank = 0\nmethod = "x"\ntargets = 3\nsize = 1\nmodules_to_save = ["attic"]',
        ),
        ("max_length = 64", 'max_length = "long"'),
        ("eval_every = 4", "eval_every = 4\nsave_every = 6"),
        ('base = "base"', 'base = "base"\nname = "a/b"'),
    )
    rows = check(path).problems
    assert len(rows) == 8
    for row in rows:
        for sentence in (row["problem"], row["fix"]):
            assert in_chinese(sentence) != sentence, sentence


def test_events_of_a_training_carry_stage_done_of_and_seconds() -> None:
    from types import SimpleNamespace

    from finetune.train.callbacks import Reporter

    events: list[dict[str, Any]] = []
    order: Any = SimpleNamespace(
        run=None, config=SimpleNamespace(task="sft"), report=events.append, stopped=bool
    )
    reporter = Reporter(order)
    state = SimpleNamespace(global_step=3, max_steps=12, epoch=0.5)
    reporter.on_train_begin(None, SimpleNamespace(global_step=0), None)
    reporter._report(state, {"step": 3, "loss": 1.5})
    event = events[0]
    assert event["stage"] == "Training"
    assert (event["done"], event["of"]) == (3, 12)
    assert (event["step"], event["steps"]) == (3, 12)
    assert event["seconds"] >= 0
    assert event["left"] >= 0
