"""A training started by a click outlives the browser; looked at again it can be cancelled, and what
it learned is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from playwright.sync_api import expect
from training_fixtures import write_project

from finetune.run.runs import Run
from workbench.jobs.job import list_jobs
from workbench.settings import load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small base and an uploaded data file."""
    home = new_workspace(tmp_path_factory.mktemp("training"))
    made = home / "made"
    made.mkdir()
    write_project(made)
    for target in (home / "models" / "small", home / "uploads" / "training" / "people.jsonl"):
        target.parent.mkdir(parents=True)
    (made / "base").rename(home / "models" / "small")
    (made / "train.jsonl").rename(home / "uploads" / "training" / "people.jsonl")
    return home


@pytest.fixture(scope="module")
def trainer(home: Path) -> Iterator[str]:
    with running_app(home) as url:
        yield url


def step_of(page: Any, above: int = 0) -> int:
    """The step that the page shows, once it shows one above that."""
    later = "|".join(str(step) for step in range(above + 1, 1001))
    told = page.locator(".st-key-run").get_by_text(re.compile(rf"step ({later}) of 1000"))
    expect(told.first).to_be_visible()
    return int(re.search(r"step (\d+) of", told.first.inner_text())[1])  # type: ignore[index]


def test_a_training_outlives_the_browser_and_a_cancelled_one_can_be_asked(
    open_page: Open, trainer: str, home: Path
) -> None:
    page = open_page("en", "training", at=trainer)
    page.get_by_text("More settings").click()
    page.locator(".st-key-edit_run_file label").click()
    text = page.locator(".st-key-run_text textarea")
    long = (
        text.input_value()
        .replace("epochs = 6.0", "steps = 1000")
        .replace("max_length = 1024", "max_length = 64")
    )
    text.fill(long)
    text.press("Control+Enter")
    page.locator(".st-key-start_run button").click()
    before = step_of(page)
    page.context.close()

    page = open_page("en", "training", at=trainer)
    expect(page.locator(".st-key-run")).to_contain_text("running")
    step_of(page, above=before)
    page.locator(".st-key-cancel_run button").click()
    expect(page.locator(".st-key-run").get_by_text("cancelled", exact=True)).to_be_visible()
    run = Run(home / "runs" / "people")
    assert run.last_checkpoint and before < run.card["step"] < 1000
    assert [job.state for job in list_jobs(load_settings(home=home))] == ["cancelled"]

    page.locator(".st-key-chat_run button").click()
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill("Where does Mira live?")
    box.press("Enter")
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer.locator("[class*=st-key-actions-]")).to_contain_text("local:people")
    assert not answer.get_by_test_id("stAlert").count()
