"""The chats in the sidebar as a person keeps them, and the choices that outlive a page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from playwright.sync_api import expect

from rag.catalogue import Catalogue
from workbench.chat.conversations import Conversations
from workbench.storage.connecting import connect

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)
Open = Callable[..., Any]

CHATS = 40
LONG = "A title of a question that is much too long for the one line that it gets in the list"
WORDS = {
    "en": {
        "rename": "Rename",
        "pin": "Pin",
        "pinned": "Pinned",
        "move": "Move to a folder",
        "export": "Export",
        "delete": "Delete",
        "undo": "Undo",
        "import": "Import chats",
        "added": "1 added, 0 were here already.",
        "not_json": "The file is not JSON",
        "yesterday": "Yesterday",
    },
    "zh": {
        "rename": "重命名",
        "pin": "置顶",
        "pinned": "已置顶",
        "move": "移到文件夹",
        "export": "导出",
        "delete": "删除",
        "undo": "撤销",
        "import": "导入对话",
        "added": "新增 1 个对话，0 个已存在。",
        "not_json": "该文件不是 JSON",
        "yesterday": "昨天",
    },
}


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with forty chats, one a day."""
    home = new_workspace(tmp_path_factory.mktemp("chats"))
    Catalogue(home / "index.db")  # a workspace that was used before gets no examples
    (home / "data").mkdir()
    conversations = Conversations(home / "workbench.db")
    for number in range(CHATS):
        chat = conversations.create(LONG if number == 2 else f"Chat {number}")
        conversations.add(chat, "user", f"question {number}")
        conversations.add(chat, "assistant", "The lighthouse 灯塔" if number == 30 else "answer")
        with connect(conversations.place) as database:
            day = time.time() - 86_400 * number
            database.execute("update conversations set updated = ? where id = ?", (day, chat))
    return home


@pytest.fixture(scope="module")
def chats_app(home: Path) -> Iterator[str]:
    with running_app(home) as url:
        yield url


def row(page: Any, title: str) -> Any:
    return page.locator("[class*=st-key-row-]").filter(has_text=title).first


def act(page: Any, title: str, action: str) -> None:
    row(page, title).hover()
    row(page, title).locator("[class*=st-key-menu-] button").click()
    page.get_by_role("menuitem", name=action, exact=True).click()


SEEN = """() => {
  const foot = document.querySelector('.st-key-sidebar-foot').getBoundingClientRect()
  const rows = [...document.querySelectorAll('[class*=st-key-row-]')]
    .map((row) => row.getBoundingClientRect()).filter((box) => box.bottom <= foot.top)
  const titles = [...document.querySelectorAll('[class*=st-key-chat-] button')].map((button) => {
    const text = button.querySelector('p'), range = document.createRange()
    range.selectNodeContents(text)
    return {
      indent: range.getBoundingClientRect().left - button.getBoundingClientRect().left,
      height: text.getBoundingClientRect().height,
      cut: range.getBoundingClientRect().width > button.clientWidth,
    }
  })
  return {rows: rows.length, foot: foot.bottom, titles}
}"""


def test_the_list_is_calm_and_its_foot_in_view(open_page: Open, chats_app: str) -> None:
    page = open_page("zh", width=1440, at=chats_app)
    expect(page.get_by_text(WORDS["zh"]["yesterday"])).to_be_visible()
    expect(page.get_by_role("button", name="深色", exact=True)).to_be_visible()
    expect(page.locator("[class*=st-key-menu-] button")).to_have_count(30)
    seen = page.evaluate(SEEN)
    assert seen["rows"] >= 8
    assert seen["foot"] <= 900
    assert all(title["indent"] < 16 and title["height"] < 32 for title in seen["titles"])
    assert [title["cut"] for title in seen["titles"]].count(True) == 1  # the long one
    page.get_by_role("button", name="显示更多").click()
    expect(page.locator("[class*=st-key-row-]")).to_have_count(CHATS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_chat_is_found_renamed_pinned_moved_exported_and_deleted(
    open_page: Open, chats_app: str, home: Path, language: str
) -> None:
    words = WORDS[language]
    number = {"en": 30, "zh": 7}[language]
    page = open_page(language, width=1440, at=chats_app)
    search = page.locator(".st-key-search_chats input")
    search.press_sequentially({"en": "lighthouse", "zh": "question 7"}[language])
    expect(page.locator("[class*=st-key-row-]")).to_have_count(1)  # without Enter
    act(page, f"Chat {number}", words["rename"])
    title = page.locator(".st-key-new_title input")
    title.fill("改名 <b>*x*</b>")
    title.press("Enter")
    expect(row(page, "改名 <b>*x*</b>")).to_be_visible()
    act(page, "改名", words["pin"])
    search.fill("")
    expect(page.locator(".st-key-scrolls").get_by_text(words["pinned"])).to_be_visible()
    expect(page.locator("[class*=st-key-row-]").first).to_contain_text("改名")
    act(page, "改名", words["move"])
    folder = page.locator(".st-key-chat_folder input")
    folder.fill(f"Folder {language}")
    folder.press("Enter")
    page.locator(".st-key-save_folder button").click()
    page.locator(f".st-key-folder-Folder-{language} button").click()
    expect(page.locator("[class*=st-key-row-][class*=-inside]")).to_have_count(1)
    act(page, "改名", words["export"])
    with page.expect_download() as download:
        page.locator(".st-key-export-md button").click()
    assert f"> question {number}" in Path(download.value.path()).read_text("utf-8")
    page.get_by_role("dialog").get_by_label("Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    act(page, "改名", words["delete"])
    expect(page.locator("[class*=st-key-row-]").filter(has_text="改名")).to_have_count(0)
    page.get_by_role("button", name=words["undo"]).click()
    expect(row(page, "改名")).to_be_visible()
    Conversations(home / "workbench.db").delete(number + 1)


def test_a_file_of_chats_is_imported_or_refused_with_the_reason(
    open_page: Open, chats_app: str, tmp_path: Path
) -> None:
    nodes = {"q": {"role": "user", "content": "你好", "parentId": None}}
    chat = {"id": "w", "title": "来自别处", "chat": {"history": {"messages": nodes}}}
    (tmp_path / "good.json").write_text(json.dumps([chat]), "utf-8")
    (tmp_path / "bad.json").write_text("no json", "utf-8")
    words = WORDS["zh"]
    page = open_page("zh", width=1440, at=chats_app)
    page.locator(".st-key-all_chats button").click()
    page.get_by_role("menuitem", name=words["import"]).click()
    field = page.locator(".st-key-import_chats input[type=file]")
    field.set_input_files(tmp_path / "bad.json")
    expect(page.get_by_text(words["not_json"])).to_be_visible()
    field.set_input_files(tmp_path / "good.json")
    expect(page.get_by_text(words["added"])).to_be_visible()
    page.locator(".st-key-imported button").click()
    expect(page.locator("[class*=st-key-row-]").filter(has_text="来自别处")).to_have_count(1)


def test_language_and_theme_survive_a_reload_and_a_new_tab(open_page: Open, chats_app: str) -> None:
    page = open_page("en", width=1440, at=chats_app)
    page.get_by_role("radio", name="中文").or_(page.get_by_text("中文", exact=True)).first.click()
    expect(page.get_by_text("新对话").first).to_be_visible()
    page.wait_for_function("() => document.cookie.includes('workbench_language=zh')")
    page.reload()
    expect(page.get_by_text("新对话").first).to_be_visible()
    page.get_by_role("button", name="深色", exact=True).click()
    expect(page.get_by_role("button", name="浅色", exact=True)).to_be_visible()
    tab = page.context.new_page()
    tab.goto(f"{chats_app}/knowledge")
    expect(tab.get_by_role("button", name="浅色", exact=True)).to_be_visible()
    expect(tab.get_by_text("知识库").first).to_be_visible()
    colour = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    assert tab.evaluate(colour) == "rgb(20, 25, 26)"


def test_on_a_phone_the_sidebar_closes_after_navigating(open_page: Open, chats_app: str) -> None:
    page = open_page("en", width=390, at=chats_app)
    sidebar = page.get_by_test_id("stSidebar")

    def expect_closed() -> None:
        expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
        page.wait_for_function(
            "() => document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right <= 1"
        )

    page.get_by_test_id("stExpandSidebarButton").click()
    menu_beside_title = """() => {
      const row = document.querySelector('[class*=st-key-row-]')
      const [title, menu] = row.querySelectorAll('button')
      return Math.abs(title.getBoundingClientRect().top - menu.getBoundingClientRect().top) < 8
    }"""
    expect(row(page, "Chat 3").locator("button")).to_have_count(2)
    page.wait_for_function(menu_beside_title)
    row(page, "Chat 3").locator("button").first.click()
    expect_closed()
    expect(page.get_by_text("question 3")).to_be_visible()
    page.get_by_test_id("stExpandSidebarButton").click()
    sidebar.get_by_role("link", name="Knowledge").click()
    expect_closed()
    expect(page.get_by_role("heading", name="Knowledge")).to_be_visible()
