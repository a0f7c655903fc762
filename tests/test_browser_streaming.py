"""What happens to a page while an answer grows: a reload, a look elsewhere, Stop.

The answer is never lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from model_servers import Script, openai_server
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
expect.set_options(timeout=40_000)
Open = Callable[..., Any]
QUESTION = "How long is the warranty of the LF-220?"


@pytest.fixture(scope="module")
def script() -> Script:
    """Forty words, one every 0.2 s."""
    return Script(
        pieces=[f"word{number} " for number in range(40)] + ["and [1] the end."], pause=0.2
    )


@pytest.fixture(scope="module")
def slow(
    script: Script, new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app with a chat model that takes eight seconds for an answer."""
    home = new_workspace(tmp_path_factory.mktemp("slow"))
    with openai_server(script) as model, running_app(home, openai_base_url=model) as url:
        yield url


def ask(page: Any) -> Any:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(QUESTION)
    box.press("Enter")
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer).to_contain_text("word2")
    return answer


def test_a_reload_in_mid_answer_shows_it_growing_to_its_end(
    open_page: Open, slow: str, script: Script
) -> None:
    page = open_page("en", at=slow)
    ask(page)
    page.reload()
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer).to_contain_text("word2")
    expect(answer).to_contain_text("the end.")
    assert "word39" in answer.inner_text()
    assert (
        len(script.requests) == 1
    )  # the model was asked once: the answer went on without the page


def test_a_look_at_another_page_loses_nothing(open_page: Open, slow: str) -> None:
    page = open_page("zh", at=slow)
    ask(page)
    page.get_by_role("link", name="知识库").click()
    expect(page.get_by_role("heading", name="知识库")).to_be_visible()
    page.get_by_role("link", name="对话").click()
    page.locator("[class*=st-key-chat-] button").first.click()
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("the end.")


def test_stop_keeps_what_was_said(open_page: Open, slow: str) -> None:
    page = open_page("en", at=slow)
    answer = ask(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    text = answer.inner_text()
    assert "word2" in text and "the end." not in text
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_enabled()
