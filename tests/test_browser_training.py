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
from training_fixtures import add_run, write_project

from finetune.run.runs import Run
from workbench.jobs.job import list_jobs
from workbench.settings import load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small base, an uploaded data file, and the record of a finished run."""
    home = new_workspace(tmp_path_factory.mktemp("training"))
    made = home / "made"
    made.mkdir()
    write_project(made)
    for target in (home / "models" / "small", home / "uploads" / "training" / "people.jsonl"):
        target.parent.mkdir(parents=True)
    (made / "base").rename(home / "models" / "small")
    (made / "train.jsonl").rename(home / "uploads" / "training" / "people.jsonl")
    add_run(home, "older", finished=True)
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


def test_a_training_is_followed_from_its_start_over_a_reload_to_a_chat(
    open_page: Open, trainer: str, home: Path
) -> None:
    page = open_page("en", "training", at=trainer)
    shown = page.locator(".st-key-run")
    expect(shown).to_contain_text("older")
    views = page.locator(".st-key-training_view button")
    views.nth(1).click()
    page.get_by_text("More settings").click()
    page.locator(".st-key-edit_run_file label").click()
    text = page.locator(".st-key-run_text textarea")
    expect(text).to_have_value(re.compile("epochs = 6.0"))
    long = (
        text.input_value()
        .replace("epochs = 6.0", "steps = 1000")
        .replace("max_length = 1024", "max_length = 64")
    )
    text.fill(long)
    text.press("Control+Enter")
    page.locator(".st-key-start_run button").click()
    expect(shown).to_contain_text("people")  # at once, not the older run
    expect(page.locator(".st-key-changed")).to_contain_text("people has been started")
    before = step_of(page)
    page.context.close()

    page = open_page("en", "training", at=trainer)
    shown = page.locator(".st-key-run")
    expect(shown).to_contain_text("running")
    step_of(page, above=before)
    card = page.locator("[class*='st-key-job-']")
    expect(card).to_contain_text("Training people")
    expect(card).to_contain_text(re.compile(r"Stage 2 of 2: Training · \d+ / 1000"))

    # a second one is announced, not begun
    page.locator(".st-key-training_view button").nth(1).click()
    page.locator(".st-key-start_run button").click()
    announced = page.get_by_test_id("stAlert").filter(has_text="Other work runs on this machine")
    expect(announced).to_contain_text("Training people")
    page.locator(".st-key-start_run_leave button").click()
    expect(announced).to_have_count(0)
    assert len(list_jobs(load_settings(home=home))) == 1
    page.reload()
    expect(shown).to_contain_text("people")

    # Streamlit draws a button with a help twice, the second for telephones
    page.locator(".st-key-cancel_run button").first.click()
    expect(shown.get_by_text("cancelled", exact=True)).to_be_visible()
    run = Run(home / "runs" / "people")
    assert run.last_checkpoint and before < run.card["step"] < 1000
    assert [job.state for job in list_jobs(load_settings(home=home))] == ["cancelled"]
    expect(shown.locator(".st-key-resume_run")).to_be_visible()

    # on a telephone: the sound run, and nothing wider than the screen
    phone = open_page("zh", "training", width=390, at=trainer)
    expect(phone.locator(".st-key-run")).to_contain_text("older")
    expect(phone.locator(".st-key-publish_this_run")).to_contain_text("发布")
    phone.locator(".st-key-training_view button").nth(1).click()
    expect(phone.locator(".st-key-start_run")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    left, right = (
        phone.locator(f"[class*='st-key-{key}_']").first.bounding_box()
        for key in ("epochs", "rank")
    )
    assert left["y"] + left["height"] <= right["y"] or left["x"] + left["width"] <= right["x"]

    page.locator(".st-key-chat_run button").click()
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill("Where does Mira live?")
    box.press("Enter")
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer.locator("[class*=st-key-actions-]")).to_contain_text("local:people")
    assert not answer.get_by_test_id("stAlert").count()
