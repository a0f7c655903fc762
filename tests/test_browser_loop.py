"""From a thumb down to a better model, by hand: correction, review, batch, training, comparison,
publishing on a real Ollama, and the corrected answer in the chat.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from playwright.sync_api import expect

from workbench.artefacts.batch import list_batches
from workbench.settings import load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=120_000)
QUESTION = "Who wrote Faust?"
RIGHT = "Goethe wrote Faust in Paris."  # of words that the small base knows


def ask(page: Any, question: str) -> Any:
    """Ask in the chat; returns the answer once it is whole."""
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer.locator("[class*=st-key-actions-]")).to_be_visible()
    return answer


def do_next(page: Any, label: str, state: str) -> None:
    """Press the batch's button, and wait until its job has brought it to that state."""
    batch = page.locator(".st-key-batch-batch-1")
    expect(batch.locator(".st-key-step-batch-1 button")).to_contain_text(label)
    batch.locator(".st-key-step-batch-1 button").click()
    badge = batch.locator(".stMarkdownBadge")  # a table's column has a state's name too
    expect(badge.get_by_text(state, exact=True)).to_be_visible()


def test_a_corrected_answer_becomes_the_answer(
    open_page: Callable[..., Any],
    new_workspace: Callable[[Path], Path],
    tmp_path: Path,
    tiny_model: Path,
    ollama_server: str,
) -> None:
    home = new_workspace(tmp_path)
    shutil.copytree(tiny_model, home / "models" / "small")
    settings = load_settings(home=home)
    # the small model does not know the chat's instructions, and would go on for ever
    short = {"model": "ollama:tiny", "answer_tokens": "16", "temperature": "0"}
    with running_app(home, ollama_host=ollama_server, **short) as url:
        page = open_page("en", at=url)
        answer = ask(page, QUESTION)
        answer.get_by_role("radio", name="Thumbs down").click()
        answer.get_by_role("button", name="What would have been right?").click()
        field = page.locator("[class*=st-key-correction-] textarea")
        field.fill(RIGHT)
        field.press("Enter")
        page.locator(".st-key-changed").get_by_role("button", name="Open").click()

        item = page.locator("[class*=st-key-item-]")
        expect(item).to_contain_text(RIGHT)
        expect(item).to_contain_text("corrected")
        expect(page.locator("[data-listens]")).to_be_attached()
        drawn = page.get_by_test_id("stApp")
        expect(drawn).to_have_attribute("data-test-script-state", "notRunning")
        page.keyboard.press("r")
        expect(item).to_have_count(0)
        expect(drawn).to_have_attribute("data-test-script-state", "notRunning")
        page.keyboard.press("u")
        expect(item).to_have_count(1)
        expect(drawn).to_have_attribute("data-test-script-state", "notRunning")
        page.keyboard.press("a")
        page.locator(".st-key-make_batch button").click()
        do_next(page, "Train on these rows", "trained")
        do_next(page, "Compare with what is in use", "better")
        expect(page.locator(".st-key-batch-batch-1")).to_contain_text("1 of 1 corrections learned")
        do_next(page, "Publish to Ollama, proven", "published")
        do_next(page, "Use it in the chat", "in use")

        page.locator(".st-key-chat-batch-1 button").click()
        answer = ask(page, QUESTION)
        expect(answer).to_contain_text(RIGHT)
        facts = list_batches(settings)[0].facts
        expect(answer).to_contain_text(facts["model"])
    assert facts["model"].startswith("ollama:improved")
    assert facts["state"] == "promoted" and facts["proof"]["passed"], facts
    assert re.fullmatch(r"[0-9a-f]{64}", facts["sha256"]["sft.jsonl"])
