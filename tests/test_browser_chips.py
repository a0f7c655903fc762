"""The chips above the box as a person uses them: choose, ask, reload, and all is still chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import running_app, settled
from playwright.sync_api import expect
from recording_ollama import Script, recording_ollama

from rag.ingest import ingest
from workbench.settings import load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=40_000)
Open = Callable[..., Any]

NAME = "合同 助手"
WORDS = {
    "en": {"documents": "Documents", "auto": "Auto", "new": "New chat", "save": "Save"},
    "zh": {"documents": "文档", "auto": "自动", "new": "新对话", "save": "保存"},
}


@pytest.fixture(scope="module")
def chips_app(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app on a workspace with two collections, with a scripted Ollama of two models."""
    home = new_workspace(tmp_path_factory.mktemp("chips"))
    script = Script(models={"tiny:latest": 8192, "a-model-with-quite-a-long-name:latest": 8192})
    settings = load_settings(home=home)
    for name in ("laws", "法规"):
        file = home.parent / f"{name}.txt"
        file.write_text("The deposit of clause 7 is 90 euros. 第七条：保证金为九十欧元。", "utf-8")
        ingest([file], name, settings)
    with recording_ollama(script) as ollama, running_app(home, ollama_host=ollama) as url:
        yield url


IN_ONE_LINE = """() => {
  const chips = [...document.querySelector('.st-key-chips').children]
    .map(one => one.getBoundingClientRect()).filter(box => box.width > 0)
  const follows = (box, n) => n === 0
    || (chips[n - 1].right <= box.left + 1 && Math.abs(box.top - chips[0].top) < 12)
  return chips.length >= 5 && chips.every(follows)
}"""


def chip(page: Any, name: str) -> Any:
    """The chip's button; Streamlit has one for a mouse and one for a finger."""
    return page.locator(f".st-key-{name} button:visible").first


def choose(page: Any, name: str, option: str) -> None:
    chip(settled(page), name).click()  # a page that is drawn again closes an open menu
    page.get_by_role("menuitem", name=option).click()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_choices_of_a_chat_are_there_after_a_reload(
    chips_app: str, open_page: Open, language: str
) -> None:
    words = WORDS[language]
    page = open_page(language, at=chips_app, width=1440)
    page.get_by_text(words["new"], exact=True).click()
    choose(page, "choose-mode", words["documents"])
    expect(chip(page, "choose-mode")).to_contain_text(words["documents"])
    choose(page, "choose-model", "a-model-with")
    expect(chip(page, "choose-model")).to_contain_text("a-model-with-quite-a-lo…")
    chip(page, "collections").click()
    if "+1" not in chip(page, "collections").inner_text():  # else chosen by the chat before
        page.locator(".st-key-choose-collection button").filter(has_text="法规").click()
    expect(chip(page, "collections")).to_contain_text("+1")
    page.keyboard.press("Escape")
    chip(page, "more").click()
    system = page.locator(".st-key-set-system_prompt textarea")
    system.fill("Be brief.")
    system.press("Control+Enter")
    expect(chip(page, "more")).to_contain_text("· 1")
    page.keyboard.press("Escape")

    def still_chosen() -> None:
        expect(chip(page, "choose-mode")).to_contain_text(words["documents"])
        expect(chip(page, "choose-model")).to_contain_text("a-model-with-quite-a-lo…")
        expect(chip(page, "collections")).to_contain_text("+1")
        expect(chip(page, "more")).to_contain_text("· 1")

    page.reload()
    still_chosen()
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill("保证金是多少？" if language == "zh" else "How much is the deposit?")
    box.press("Enter")
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("Hello there.")
    assert "chat=" in page.url
    link = page.url
    page.get_by_text(words["new"], exact=True).click()
    expect(page).not_to_have_url(link)
    choose(page, "choose-mode", words["auto"])
    expect(chip(page, "choose-mode")).to_contain_text(words["auto"])
    page.goto(link)
    still_chosen()


def test_an_assistant_with_a_chinese_name_is_saved_chosen_and_deleted_with_undo(
    chips_app: str, open_page: Open
) -> None:
    page = open_page("zh", at=chips_app)
    page.get_by_text("新对话", exact=True).click()
    choose(page, "choose-mode", "数据")
    chip(page, "presets").click()
    page.locator(".st-key-preset-name input").fill(NAME)
    page.get_by_role("button", name="保存").click()
    expect(chip(page, "presets")).to_contain_text(NAME)
    page.keyboard.press("Escape")
    choose(page, "choose-mode", "自动")
    expect(chip(page, "presets")).not_to_contain_text(NAME)
    page.locator(".st-key-preset-card-0 button").click()
    expect(chip(page, "choose-mode")).to_contain_text("数据")
    expect(chip(page, "presets")).to_contain_text(NAME)  # drawn last: the row stands still now
    chip(page, "presets").click()
    chip(page, "preset-menu-0").click()
    page.get_by_role("menuitem", name="删除").click()
    expect(page.locator(".st-key-preset-card-0")).to_have_count(0)
    page.locator("[class*=st-key-change-][class*=-undo] button").click()
    expect(page.locator(".st-key-preset-card-0")).to_contain_text(NAME)


def test_a_prompt_goes_into_the_box_and_a_phone_has_one_line_of_chips(
    chips_app: str, open_page: Open
) -> None:
    page = open_page("en", at=chips_app, width=390)
    expect(chip(page, "prompts")).to_be_visible()
    page.wait_for_function(IN_ONE_LINE)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    chip(page, "prompts").click()
    page.locator(".st-key-prompt-0 button:visible").first.click()
    expect(page.get_by_test_id("stChatInputTextArea")).to_have_value(
        "Summarise {topic} in five points, each with its source."
    )
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)


def test_two_models_answer_blind_and_the_vote_by_keyboard_names_them(
    chips_app: str, open_page: Open
) -> None:
    page = open_page("en", at=chips_app, width=1440)
    page.get_by_text("New chat", exact=True).click()
    choose(page, "choose-mode", "Side by side")
    chip(page, "arms").click()
    for side, model in (("left", "ollama:tiny"), ("right", "ollama:a-model")):
        page.locator(f".st-key-arm-{side} input").fill(model)
        page.get_by_role("option", name=model).first.click()
        expect(chip(page, "arms")).to_contain_text(model[7:14])
    page.locator(".st-key-arms-blind label").click()
    expect(chip(page, "arms")).to_contain_text("visibility_off")
    page.keyboard.press("Escape")
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill("Hello?")
    box.press("Enter")
    votes = page.locator("[class*=st-key-vote-]")
    expect(votes).to_be_visible()
    answers = page.get_by_role("main")
    for _ in range(2):  # also after a reload
        expect(answers).to_contain_text("Left")
        expect(page.locator("[class*=st-key-actions-]")).to_have_count(2)
        assert "ollama:" not in answers.inner_text()
        page.reload()
        expect(votes).to_be_visible()
    better = page.get_by_role("radio", name="Right is better")
    better.focus()
    better.press("Space")
    expect(page.get_by_text("Your vote is kept.")).to_be_visible()
    expect(answers).to_contain_text("ollama:a-model-with-quite-a-long-name")
    page.reload()
    expect(answers).to_contain_text("ollama:a-model-with-quite-a-long-name")
