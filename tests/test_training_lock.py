"""A run is not deleted while it is trained, and no option of a training is ignored."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from opened_pages import page
from streamlit.testing.v1 import AppTest

from finetune.run.metrics import append_metrics
from finetune.run.new_run import base_folders, data_files, free_name, start_training
from finetune.run.runs import Run
from finetune.train.lock import delete_run, only_training
from workbench.cli import workbench
from workbench.errors import Conflict
from workbench.settings import Settings

__all__ = ["page"]


@pytest.fixture
def run(settings: Settings) -> Run:
    """A run that was broken off."""
    run = Run(settings.folder("runs", "half"))
    (run.folder / "run.toml").write_text('base = "b"\n[data]\ntrain = ["t.jsonl"]\n', "utf-8")
    append_metrics(run.metrics, {"step": 1, "loss": 2.0})
    os.utime(run.metrics, (0, 0))
    return run


def test_a_run_that_is_trained_is_not_deleted(run: Run) -> None:
    with only_training(run), pytest.raises(Conflict, match="being trained right now"):
        delete_run(run)
    assert run.metrics.exists()
    delete_run(run)
    assert not run.folder.exists()


def test_the_page_does_not_delete_a_run_that_is_trained(
    run: Run, page: Callable[..., AppTest]
) -> None:
    app = page("finetune/ui/training.py")
    with only_training(run):
        app.button(key="delete_run").click().run()
    assert run.metrics.exists()
    assert "being trained right now" in app.error[0].value
    app.button(key="delete_run").click().run()
    assert not run.folder.exists()


def problem_of(*arguments: str) -> str:
    done = CliRunner().invoke(workbench, ["finetune", "train", *arguments, "--json"])
    assert done.exit_code == 1, done.output
    return json.loads(done.output.splitlines()[-1])["problem"]


def test_resume_and_replace_together_are_refused_and_delete_nothing(run: Run) -> None:
    run_file = str(run.folder / "run.toml")
    assert "--replace deletes it" in problem_of("half", "--resume", "--replace")
    assert "--replace deletes it" in problem_of(run_file, "--name", "half", "--resume", "--replace")
    assert run.metrics.exists()


def test_a_named_run_with_replace_begins_at_its_first_step(run: Run) -> None:
    assert "t.jsonl" in problem_of("half", "--replace")  # the data it needs; nothing is kept
    assert not run.metrics.exists()
    assert (run.folder / "run.toml").exists()


def test_a_named_run_cannot_be_renamed(run: Run) -> None:
    assert "--name needs a run file" in problem_of("half", "--name", "whole")


def test_a_new_run_gets_a_free_name_and_never_takes_the_folder_of_another(
    run: Run, settings: Settings
) -> None:
    assert free_name(settings, Path("half.jsonl")) == "half-2"
    assert free_name(settings, Path("weiß & neu!.csv")) == "weiß-neu"
    assert free_name(settings, None) == "run"
    with pytest.raises(Conflict, match="half exists already"):
        start_training(settings, "half", "Training half")


def test_files_and_bases_to_choose_from(settings: Settings) -> None:
    uploads = settings.folder("uploads", "training")
    for number, name in enumerate(["old.jsonl", "new.csv", "x.jsonl.part", ".y.part"]):
        (uploads / name).write_text("", "utf-8")
        os.utime(uploads / name, (number, number))
    assert [path.name for path in data_files(settings)] == ["new.csv", "old.jsonl"]
    for folder in ("models/big", "training/bases/small", "demo/base"):
        (settings.folder(*folder.split("/")) / "config.json").write_text("{}", "utf-8")
    bases = [str(path.relative_to(settings.home)) for path in base_folders(settings)]
    assert bases == ["demo/base", "models/big", "training/bases/small"]
