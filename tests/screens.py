"""Screenshots of every page and state, to be looked at: both languages, both widths, both themes.

    python tests/screens.py OUT [--home WORKSPACE] [--only chat]

Without --home the app starts on a new workspace with the examples and no chat model.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import conftest  # noqa: F401 – first: it and browser import each other
from browser import FLAGS, running_app
from playwright.sync_api import sync_playwright

PAGES = ("", "knowledge", "data", "forecasts", "training", "models", "compare", "improve")
LOCALES = {"en": "en-US", "zh": "zh-CN"}
WIDTHS = {1440: 900, 390: 844}
THEMES = ("light", "dark")
QUESTIONS = {
    "en": [
        "How many days of annual leave do I have?",
        "Which account has the most likes in total?",
        "hello",
    ],
    "zh": ["出差餐补每天多少？", "哪个账号的点赞总数最多？", "你好"],
}
CHIPS = ("connect", "more", "presets", "prompts")  # each opened above the box
SETTLES_WITHIN = 60_000  # milliseconds


def settle(page: Any) -> None:
    """Wait until the page has been drawn and no script runs."""
    page.get_by_test_id("stApp").wait_for(timeout=SETTLES_WITHIN)
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'",
        timeout=SETTLES_WITHIN,
    )
    page.wait_for_timeout(800)


def ask(page: Any, question: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")
    page.wait_for_timeout(6_000)
    settle(page)


def states(page: Any, url: str, language: str) -> Iterator[str]:
    """Bring the page into one state after another; yields each state's name."""
    for path in PAGES:
        page.goto(f"{url}/{path}")
        settle(page)
        yield path or "chat"
        if path == "":
            for number, question in enumerate(QUESTIONS[language], 1):
                ask(page, question)
                yield f"chat-answer-{number}"
            for chip in CHIPS:
                page.locator(f".st-key-chips .st-key-{chip} button:visible").first.click()
                page.wait_for_timeout(1_500)
                yield f"chat-{chip}"
                page.keyboard.press("Escape")
                settle(page)


def shoot(url: str, out: Path, only: Callable[[str], bool]) -> int:
    """Save every state; returns how many pictures were made."""
    made = 0
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for language, width, theme in product(LOCALES, WIDTHS, THEMES):
            context = browser.new_context(
                locale=LOCALES[language],
                viewport={"width": width, "height": WIDTHS[width]},
                color_scheme=theme,
            )
            page = context.new_page()
            for state in states(page, url, language):
                if only(state):
                    page.screenshot(path=str(out / f"{state}-{language}-{width}-{theme}.png"))
                    made += 1
            context.close()
        browser.close()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--home", type=Path, help="a workspace that exists")
    parser.add_argument("--only", default="", help="states that begin so")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = chosen.home or Path(folder) / "workspace"
        with running_app(home) as url:
            made = shoot(url, chosen.out, lambda state: state.startswith(chosen.only))
    print(f"{made} pictures in {chosen.out}")


if __name__ == "__main__":
    main()
