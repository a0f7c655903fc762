"""An answer in a real browser: how it grows and is stopped, keys, cited passages, copying, versions,
names, print.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from model_servers import Script, openai_server
from playwright.sync_api import expect

from rag.ingest import ingest
from workbench.settings import load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=40_000)
Open = Callable[..., Any]

HOSTILE = (
    "# Lighthouse\n\nThe lighthouse of Vlieree is 47 metres tall "
    '<img src=x onerror="window.hacked=1"> [press](javascript:window.hacked=1) `ls`.\n'
)
QUESTION = "How tall is the lighthouse of Vlieree?"
ANSWER = "It is **47 metres** tall [1].\n\n```py\nheight = 47\n```\n"
# held by the passage, as all that is shown
WORDS = [f"The lighthouse of Vlieree is tall, word{number} [1].\n\n" for number in range(60)]
SOON = 2.0  # seconds from a click to its effect on a busy machine; the model is silent for longer


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def served(
    script: Script, new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app with a scripted chat model, and a document whose text attacks the page."""
    folder = tmp_path_factory.mktemp("answer")
    home = new_workspace(folder)
    (folder / "lighthouse.md").write_text(HOSTILE, "utf-8")
    ingest([folder / "lighthouse.md"], "handbook", load_settings(home=home))
    with openai_server(script) as model, running_app(home, openai_base_url=model) as url:
        yield url


def say(script: Script, *pieces: str, pause: float = 0.0, thinking: tuple[str, ...] = ()) -> None:
    """What the model answers from now on."""
    script.pieces = pieces
    script.pause = pause
    script.thinking = thinking


def ask(page: Any, question: str = QUESTION) -> Any:
    """Send the question; its answer."""
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_enabled()
    before = page.get_by_test_id("stChatMessage").count()
    box.fill(question)
    box.press("Enter")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(before + 2)
    return page.get_by_test_id("stChatMessage").last


def answered(page: Any) -> Any:
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer.locator("[class*=st-key-actions-]")).to_be_visible()
    return answer


def test_a_citation_shows_its_passage_and_opens_it(
    open_page: Open, served: str, script: Script
) -> None:
    say(script, ANSWER)
    page = open_page("en", at=served)
    ask(page)
    citation = answered(page).get_by_role("link", name="1", exact=True)
    page.wait_for_timeout(500)  # the page scrolls to the answer
    citation.hover()
    preview = page.get_by_role("tooltip").filter(has_text="lighthouse.md")
    expect(preview).to_contain_text('<img src=x onerror="window.hacked=1">')
    expect(preview).to_contain_text("](javascript:")
    assert preview.locator("img, a, script, code").count() == 0
    page.mouse.move(5, 5)
    expect(preview).to_have_count(0)
    citation.focus()
    expect(preview).to_be_visible()
    page.keyboard.press("Enter")
    opened = page.get_by_role("dialog")
    expect(opened.locator(".st-key-passage-here")).to_contain_text("47 metres")
    assert opened.locator("img, a").count() == 0
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_copying_takes_one_click_and_icons_have_names(
    open_page: Open, served: str, script: Script, language: str
) -> None:
    say(script, ANSWER)
    page = open_page(language, at=served)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page)
    answer = answered(page)
    copy, again, copied = {
        "en": ("Copy", "Answer again", "Copied"),
        "zh": ("复制", "重新回答", "已复制"),
    }[language]
    answer.get_by_role("button", name=copy, exact=True).click()
    expect(page.get_by_role("status").filter(has_text=copied)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == ANSWER
    expect(answer.get_by_role("button", name=again, exact=True)).to_be_visible()
    names = re.findall(r'(?:button|radio) "([^"]*)"', answer.aria_snapshot())
    assert len(names) >= 5 and not [name for name in names if "icon" in name or not name.strip()]
    answer.locator("[data-testid=stCode]").hover()
    expect(answer.locator("[data-testid=stCode] button")).to_be_visible()


def test_keys_stop_edit_and_send_and_versions_are_kept(
    open_page: Open, served: str, script: Script
) -> None:
    say(script, *WORDS, *WORDS, pause=0.1)
    page = open_page("en", at=served)
    box = page.get_by_test_id("stChatInputTextArea")
    answer = ask(page)
    expect(answer).to_contain_text("word2")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Stopped.")).to_be_visible()
    say(script, "The second answer [1].")
    expect(box).to_be_enabled()
    box.press("ArrowUp")
    field = page.locator("[class*=st-key-text-] textarea")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    box.press("ArrowUp")
    expect(field).to_be_focused()
    field.fill("How tall is it, the lighthouse of Vlieree?")
    field.press("Control+Enter")
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("The second answer")
    question = page.get_by_test_id("stChatMessage").first
    expect(question).to_contain_text("How tall is it")
    expect(question).to_contain_text("2/2")
    question.get_by_role("button", name="The version before").click()
    expect(question).to_contain_text(QUESTION)
    expect(page.get_by_text("Stopped.")).to_be_visible()
    say(script, "The third answer [1].")
    page.locator("[class*=st-key-again-] button:visible").click()
    expect(answered(page)).to_contain_text("The third answer")
    expect(answered(page)).to_contain_text("2/2")
    page.locator("[class*=st-key-edit-] button:visible").first.click()
    expect(field).to_be_focused()
    field.fill("And by Enter, how tall is the lighthouse of Vlieree?")
    field.press("Enter")
    expect(question).to_contain_text("3/3")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    expect(keys).to_contain_text("edit the last question")
    keys.get_by_role("button", name="Close").click()
    expect(keys).to_have_count(0)


@pytest.mark.parametrize("phase", ["first word", "thinking", "text"])
def test_stop_shows_at_once_whatever_the_model_does(
    open_page: Open, served: str, script: Script, phase: str
) -> None:
    pieces, thinking, shown = {
        "first word": (["late"], (), "Reading the sources"),
        "thinking": (["late"], ("I ponder",), "I ponder"),
        "text": (["The lighthouse is tall, early [1].\n", *WORDS, "late"], (), "early"),
    }[phase]
    say(script, *pieces, thinking=thinking, pause=0.2 if phase == "text" else 4)
    page = open_page("en", at=served)
    answer = ask(page)
    expect(answer).to_contain_text(shown)
    stop = page.locator("[class*=st-key-stop-] button")
    stop.wait_for()
    pressed = time.monotonic()
    stop.click()
    page.get_by_text("Stopped.").wait_for()
    assert time.monotonic() - pressed < SOON
    say(script, "The next answer [1].")
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_enabled()
    ask(page)
    expect(answered(page)).to_contain_text("The next answer")
    expect(page.get_by_text("late", exact=True)).to_have_count(0)


def test_a_reload_in_mid_answer_shows_it_growing_to_its_end(
    open_page: Open, served: str, script: Script
) -> None:
    say(script, *WORDS[:40], "And [1] the end.", pause=0.1)
    page = open_page("en", at=served)
    expect(ask(page)).to_contain_text("word2")
    asked = len(script.requests)
    page.reload()
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer).to_contain_text("word2")
    expect(answer).to_contain_text("the end.")
    assert "word39" in answer.inner_text()
    assert len(script.requests) == asked  # once: the answer went on without the page


def test_a_look_at_another_page_loses_nothing(open_page: Open, served: str, script: Script) -> None:
    say(script, *WORDS[:40], "And [1] the end.", pause=0.1)
    page = open_page("zh", at=served)
    expect(ask(page)).to_contain_text("word2")
    page.get_by_role("link", name="知识库").click()
    expect(page.get_by_role("heading", name="知识库")).to_be_visible()
    page.get_by_role("link", name="对话").click()
    page.locator("[class*=st-key-chat-] button").first.click()
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("the end.")


def test_a_correction_is_saved_by_enter_and_opens_the_review(
    open_page: Open, served: str, script: Script
) -> None:
    say(script, "It is 4 metres tall [1].")
    page = open_page("en", at=served)
    ask(page)
    answer = answered(page)
    answer.get_by_role("radio", name="Thumbs down").click()
    changed = page.locator(".st-key-changed")
    expect(changed).to_contain_text("Rated as bad")
    answer.get_by_role("button", name="What would have been right?").click()
    field = page.locator("[class*=st-key-correction-] textarea")
    field.fill("It is 47 metres tall.")
    field.press("Enter")
    expect(changed).to_contain_text("Review it on the page Improve")
    changed.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Improve", exact=True)).to_be_visible()
    expect(page.locator("[class*=st-key-item-]")).to_contain_text("It is 47 metres tall.")


def test_the_printed_page_is_the_conversation(open_page: Open, served: str, script: Script) -> None:
    say(script, *WORDS)
    page = open_page("en", at=served)
    ask(page)
    answered(page)
    page.emulate_media(media="print")
    for hidden in ("stSidebar", "stBottom", "stChatInput", "stHeader"):
        assert not page.get_by_test_id(hidden).is_visible()
    assert page.locator("[class*=st-key-actions-]").first.is_hidden()
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height > 1500  # nothing is cut off behind a scroll bar
