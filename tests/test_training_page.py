"""The training page: an example for those who have nothing, a check before the start, a run watched, stopped, gone on with."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from training_fixtures import RUN, write_project

from finetune.metrics import append_metrics
from finetune.runs import Run, list_runs
from workbench.jobs import list_jobs
from workbench.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "finetune" / "training_page.py"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("page"), RUN).parent


@pytest.fixture
def page(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    def open_it(language: str = "en") -> AppTest:
        monkeypatch.setenv("WORKBENCH_LANGUAGE", language)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        return drawn(AppTest.from_file(str(PAGE), default_timeout=60).run())

    return open_it


def drawn(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = ("title", "markdown", "caption", "info", "error", "warning")
    return "\n".join(str(item.value) for kind in kinds for item in app.get(kind))


def put_run(settings: Settings, name: str = "desk") -> Run:
    """A run as it lies there after its end."""
    run = Run(settings.folder("runs", name))
    (run.folder / "run.toml").write_text(RUN, "utf-8")
    for step in range(1, 41):
        append_metrics(run.metrics, {"step": step, "loss": 4 / step})
    append_metrics(run.metrics, {"step": 40, "eval_loss": 0.2})
    append_metrics(
        run.folder / "samples.jsonl", {"step": 40, "question": "Who?", "answer": "Mira.", "reference": "Mira."}
    )
    run.update_card(
        base="base", method="lora", loss=0.1, data={"train": {"rows": 18}}, finished="2026-11-24T00:00:00",
        scores={"eval.jsonl": {"exact": 0.9}},
    )  # fmt: skip
    return run


@pytest.mark.parametrize(("language", "words"), [("en", "Train the example"), ("zh", "训练示例")])
def test_nothing_there_offers_the_example(page: Callable[..., AppTest], language: str, words: str) -> None:
    app = page(language)
    assert words in [button.label for button in app.button]


@pytest.mark.parametrize(("language", "words"), [
    ("en", ["Finished", "18 conversations", "loss 0.1000", "90.0% exact", "What it says at step 40"]),
    ("zh", ["已完成", "18 条对话", "损失 0.1000", "完全正确 90.0%", "第 40 步时的回答"]),
])  # fmt: skip
def test_a_run_shows_what_it_is(
    settings: Settings, page: Callable[..., AppTest], language: str, words: list[str]
) -> None:
    put_run(settings)
    shown = texts(page(language)).replace("\\", "")
    assert all(word in shown for word in words), shown


def test_problems_are_shown_and_nothing_starts(settings: Settings, page: Callable[..., AppTest]) -> None:
    app = page()
    app.text_input(key="new_run_name").set_value("desk")
    check = next(button for button in app.button if button.label == "Check")
    app = drawn(check.click().run())
    assert "needs a name, a base model and data" in texts(app).replace("\\", "")
    assert not list_jobs(settings)


def test_a_checked_run_is_started_and_learns(settings: Settings, project: Path, page: Callable[..., AppTest]) -> None:
    uploads = settings.folder("uploads", "_training")
    shutil.copyfile(project / "train.jsonl", uploads / "train.jsonl")
    shutil.copytree(project / "base", settings.folder("models") / "tiny")
    app = page()
    app.text_input(key="new_run_name").set_value("desk")
    app.multiselect[0].set_value(["train.jsonl"])
    app = drawn(next(button for button in app.button if button.label == "Check").click().run())
    assert "steps, about" in texts(app) and not app.error
    app = drawn(app.button(key="start_run").click().run())
    job = list_jobs(settings)[0]
    assert job.command[:2] == ["finetune", "train"] and job.command[2].endswith("desk.toml")
    end = time.monotonic() + 300
    while job.state == "running" and time.monotonic() < end:
        time.sleep(0.5)
    assert job.state == "done", job.log()
    assert json.loads((settings.home / "runs" / "desk" / "card.json").read_text("utf-8"))["finished"]
    app = page()
    assert "Finished" in texts(app) and app.button(key="ask_run")
    assert [run.name for run in list_runs(settings)] == ["desk"]
