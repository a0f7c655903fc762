"""Long commands report in one shape; the terminal and the pages read only that."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from deploy.order import STAGES as DEPLOY_STAGES
from finetune.train.order import PREPARING, TRAINING
from rag.progress import CALIBRATING, EMBEDDING, READING, WAITING
from workbench.contributions import chinese
from workbench.jobs.job import Job
from workbench.progress import Plan, Progress, read_progress
from workbench.settings import Settings
from workbench.start.demo import demo_steps
from workbench.terminal import reporting, warning_note

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("rag", "finetune", "deploy")


def test_a_line_with_a_stage_is_progress() -> None:
    line = {"event": "progress", "stage": "Training", "done": 3, "of": 10, "seconds": 6, "loss": 1}
    assert read_progress(line) == Progress("Training", done=3, of=10, seconds=6)
    assert read_progress({"event": "done", "done": 3}) is None


def test_the_share_of_the_next_part_and_the_time_left_count() -> None:
    half = Progress("Reading files", done=4, of=10, share=1, seconds=20)
    assert (half.fraction, half.seconds_left) == (0.5, 20)
    assert Progress("Waiting").fraction == 0 and Progress("Waiting").seconds_left is None


def test_one_bar_goes_over_all_stages_with_their_names() -> None:
    plan = Plan({"Making": 1, "Teaching": 3})
    line = {"stage": "Teaching", "done": 1, "of": 3, "elapsed": 50, **plan.place("Teaching")}
    progress = read_progress(line)
    assert progress and (progress.number, progress.stages) == (2, 2)
    assert (progress.whole, progress.seconds_left) == (0.5, 50)
    assert plan.place("Another") == {}


def test_without_a_terminal_each_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(as_json=False, note=warning_note) as report:
        for done in range(3):
            report({"event": "progress", "stage": "Training", "done": done, "of": 3})
        report({"event": "warning", "text": "The loss is high."})
        report({"event": "calibrating", "stage": "Scoring"})
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == ["Training…", "Warning: The loss is high.", "Scoring…"]


def test_on_a_terminal_a_bar_moves_and_notes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with reporting(as_json=False, note=warning_note) as report:
        report({"event": "progress", "stage": "Training", "done": 1, "of": 3, "detail": "loss 2"})
        report({"event": "warning", "text": "High."})
        report({"event": "progress", "stage": "Scoring", "done": 0, "of": 0})
    assert "Warning: High." in terminal.getvalue()


def test_every_stage_has_its_chinese() -> None:
    stages = {*DEPLOY_STAGES.values(), CALIBRATING, EMBEDDING, READING, WAITING}
    stages |= {PREPARING, TRAINING}
    for step in demo_steps():
        stages |= step.stages.keys()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Dict):
                    stages |= _stages(node)
    assert len(stages) >= 24
    assert not stages - chinese().keys()


def _stages(node: ast.Dict) -> set[str]:
    found = set()
    for key, value in zip(node.keys, node.values, strict=True):
        is_stage = isinstance(key, ast.Constant) and key.value == "stage"
        if is_stage and isinstance(value, ast.Constant):
            found.add(str(value.value))
    return found


def panel(folder: str) -> None:
    """Drawn by AppTest: the progress of the job in that folder."""
    from pathlib import Path

    import streamlit as st

    from workbench.jobs.job import Job
    from workbench.ui.jobs import progress_of
    from workbench.ui.widgets import page_settings

    page_settings()
    share, text = progress_of(Job(Path(folder), "Reading", ["rag", "ingest"], 0.0))
    st.text(f"{share:.2f} {text}")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "0.62 Stage 2 of 2: Training · 10 / 40 · about 28 min left"),
        ("zh", "0.62 第 2 / 2 阶段：训练 · 10 / 40 · 约剩 28 分钟"),
    ],
)
def test_the_panel_says_stage_share_and_time_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setenv("WORKBENCH_LANGUAGE", language)
    folder = settings.folder("jobs", "one")
    stage = {"stage": "Training", "number": 2, "stages": 2, "begin": 0.5, "end": 1}
    line = json.dumps(stage | {"event": "progress", "done": 10, "of": 40, "seconds": 562})
    (folder / "output.jsonl").write_text(f'{line}\n{{"event": "sample"}}\n', "utf-8")
    assert Job(folder, "", [], 0.0).last() == {"event": "sample"}
    app = AppTest.from_function(panel, args=(str(folder),)).run()
    assert not app.exception
    assert words in app.text[0].value


def sentences() -> None:
    """Drawn by AppTest: many sentences in one page run."""
    from workbench.ui.widgets import both, page_settings

    page_settings()
    for _ in range(50):
        both("Yes", "是")


def test_settings_are_read_once_a_page_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.ui import session

    read: list[int] = []

    def load() -> Settings:
        read.append(1)
        return settings

    monkeypatch.setattr(session, "load_settings", load)
    app = AppTest.from_function(sentences).run()
    assert not app.exception and len(read) == 1
    app.run()
    assert len(read) == 2
