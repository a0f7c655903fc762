"""The Knowledge and Data pages as a person uses them: selectors follow, reports help, nothing
foreign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from playwright.sync_api import expect

from agents.databases.example import load_example
from agents.databases.introspect import add_and_read
from rag.ingest import ingest
from workbench.models.packaged_embedders import MINILM
from workbench.settings import Settings, load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=40_000)
Open = Callable[..., Any]
OWN_ICON = re.compile("^data:image/svg")
COLOURS = """text => {
    const note = text.closest('.st-key-changed')
    return [getComputedStyle(text).color, getComputedStyle(note).backgroundColor]
}"""
ON_TOP = """button => {
    const box = button.getBoundingClientRect()
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return button.contains(top)
}"""
PAGES = ("", "knowledge", "data", "forecasts", "training", "models", "compare", "improve")


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two collections and two databases, one of them with a password's field."""
    folder = tmp_path_factory.mktemp("pages")
    home = new_workspace(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(home))
        settings: Settings = load_settings()
        for name in ("anchor", "buoy", "cable"):
            path = folder / f"{name}.txt"
            path.write_text(f"The {name} of Oosterwal is painted every spring.", "utf-8")
            ingest([path], name, settings, embedder=MINILM if name == "anchor" else None)
        load_example(settings)
        (folder / "tides.csv").write_text("day,height\nMonday,3\nTuesday,4\n", "utf-8")
        add_and_read(settings, "tides", str(folder / "tides.csv"))
    return home


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    with running_app(home) as address:
        yield address


def shown(page: Any, key: str) -> Any:
    """What the browser shows in the selector of that key."""
    return page.locator(f".st-key-{key} input").first


def brightness(colour: str) -> float:
    """0 to 255, of a colour as CSS computes it: `rgb(38, 48, 50)`."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]
    return sum(parts) / len(parts)


def choose(page: Any, key: str, option: str) -> None:
    shown(page, key).click()
    page.get_by_role("option", name=option).click()


def encrypted(path: Path) -> Path:
    """A PDF without text that opens with the password `sesame`."""
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_encryption(owner_password="owner", user_password="sesame")
    pdf.output(str(path))
    return path


def test_no_page_asks_a_foreign_host(open_page: Open, url: str) -> None:
    page = open_page("en", at=url)
    foreign: list[str] = []

    def look(route: Any) -> None:
        address = route.request.url
        if address.startswith((url, "data:", "blob:")):
            route.continue_()
        else:
            foreign.append(address)
            route.abort()

    page.context.route("**/*", look)
    for path in PAGES:
        page.goto(f"{url}/{path}")
        expect(page.get_by_test_id("stSidebar").first).to_be_attached()
        expect(page.locator("link[rel*=icon]")).to_have_attribute("href", OWN_ICON)
    assert not foreign


def test_one_click_gives_a_collection_the_present_embedder(open_page: Open, url: str) -> None:
    page = open_page("zh", "knowledge", at=url)
    choose(page, "shown_collection", "buoy")
    expect(page.get_by_text("向量模型 multilingual-e5-small").first).to_be_visible()
    expect(page.locator(".st-key-reindex_as_new")).to_have_count(0)
    choose(page, "shown_collection", "anchor")
    line = "此知识库由 all-MiniLM-L6-v2 生成；新知识库使用 multilingual-e5-small。"
    expect(page.get_by_text(line)).to_be_visible()
    page.get_by_role("button", name="用 multilingual-e5-small 重建索引").click()
    facts = page.get_by_text("向量模型 multilingual-e5-small").first
    expect(facts).to_be_visible(timeout=90_000)
    expect(page.locator(".st-key-reindex_as_new")).to_have_count(0)
    expect(page.get_by_text(line)).to_have_count(0)


def test_the_collections_selector_follows_what_is_done(
    open_page: Open, url: str, tmp_path: Path
) -> None:
    page = open_page("en", "knowledge", at=url)
    page.emulate_media(color_scheme="dark")
    choose(page, "shown_collection", "buoy")
    expect(page.get_by_text("embedder multilingual-e5-small").first).to_be_visible()
    expect(page.get_by_text("Delete buoy with its index")).to_be_attached()  # drawn for buoy
    page.get_by_role("tab", name="Manage").click()
    page.get_by_text("Delete buoy with its index").click()
    page.get_by_role("button", name="Delete the collection").click()
    expect(page.locator(".st-key-changed")).to_contain_text("Deleted buoy")
    text, ground = page.locator(".st-key-changed p").first.evaluate(COLOURS)
    assert brightness(text) - brightness(ground) > 100  # light on dark
    expect(shown(page, "shown_collection")).to_have_value("cable")
    expect(page.get_by_text("Delete cable with its index")).to_be_visible()
    expect(page.get_by_role("button", name="Delete the collection")).to_be_disabled()
    (tmp_path / "oar.txt").write_text("An oar is three metres long.", "utf-8")
    page.get_by_role("button", name="New").click()
    page.get_by_label("Name of the new collection").fill("dinghy")
    uploads = page.locator("[class*=st-key-new_files] input[type=file]")
    uploads.set_input_files(tmp_path / "oar.txt")
    expect(page.get_by_text("oar.txt").first).to_be_visible()
    page.get_by_role("button", name="Create").click()
    expect(shown(page, "shown_collection")).to_have_value("dinghy")
    expect(page.get_by_role("button", name="Create")).to_have_count(0)
    expect(page.get_by_text("1 files · 1 passages")).to_be_visible(timeout=60_000)
    expect(page.locator(".st-key-report")).to_contain_text("Read 1, empty 0, failed 0")


def test_a_reading_reports_what_failed_with_a_field_for_its_password(
    open_page: Open, url: str, tmp_path: Path
) -> None:
    page = open_page("zh", "knowledge", at=url)
    choose(page, "shown_collection", "anchor")
    upload = page.locator("[data-testid=stFileUploader] input[type=file]").first
    upload.set_input_files(encrypted(tmp_path / "blank.pdf"))
    expect(page.get_by_text("blank.pdf").first).to_be_visible()
    page.get_by_role("button", name="添加", exact=True).click()
    report = page.locator(".st-key-report")
    expect(report).to_contain_text("已读取 0，无文字 0，失败 1", timeout=60_000)
    expect(report).to_contain_text("文档已加密。")
    expect(report).not_to_contain_text("--password")
    report.get_by_label("该文件的密码").fill("sesame")
    report.get_by_role("button", name="重试").click()
    expect(report).to_contain_text("已读取 0，无文字 1，失败 0", timeout=60_000)
    expect(report).to_contain_text("文件中没有文字，是扫描件吗？")
    report.get_by_role("button", name="移除文件").click()
    expect(page.locator(".st-key-changed")).to_contain_text("已移除 blank.pdf")
    expect(report).not_to_contain_text("blank.pdf")
    page.get_by_role("button", name="撤销").click()
    expect(report).to_contain_text("blank.pdf")
    report.get_by_role("button", name="收起").click()
    expect(report).to_have_count(0)
    page.reload()
    choose(page, "shown_collection", "anchor")
    expect(page.get_by_text("2 个文件")).to_be_visible()
    expect(report).to_have_count(0)


def test_the_databases_selector_follows_and_a_result_becomes_a_verified_question(
    open_page: Open, url: str, tmp_path: Path
) -> None:
    page = open_page("en", "data", at=url)
    choose(page, "shown_source", "tides")
    page.get_by_role("tab", name="Manage").click()
    page.get_by_role("button", name="Test connection").last.click()
    expect(page.get_by_text("tides answers in")).to_be_visible()
    page.get_by_text("Forget tides with its descriptions").click()
    page.get_by_role("button", name="Remove the source").click()
    expect(shown(page, "shown_source")).to_have_value("advertising")
    expect(page.get_by_role("button", name="Remove the source")).to_be_disabled()
    (tmp_path / "boats.csv").write_text("boat,length\nheron,7\ntern,4\n", "utf-8")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Name", exact=True).fill("boats")
    upload = page.locator("[class*=st-key-source_file] input[type=file]")
    upload.set_input_files(tmp_path / "boats.csv")
    expect(page.get_by_text("boats.csv").first).to_be_visible()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Add", exact=True).click()
    expect(shown(page, "shown_source")).to_have_value("boats")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(page.locator(".st-key-changed")).to_contain_text("Added boats with 1 table")
    page.get_by_role("tab", name="Tables").click()
    expect(page.get_by_text("First rows")).to_be_visible()
    page.get_by_role("tab", name="Query").click()
    page.get_by_role("button", name="Save as verified question").click()
    page.get_by_label("The question it answers").fill("Which boats are there?")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Save").click()
    expect(page.locator(".st-key-changed")).to_contain_text("Kept: Which boats are there?")
    page.get_by_role("tab", name="Verified answers").click()
    kept = page.get_by_test_id("stExpander").filter(has_text="Which boats are there?")
    expect(kept).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(kept).to_have_count(0)


@pytest.mark.parametrize("path", ["knowledge", "data"])
def test_on_a_phone_nothing_lies_over_the_buttons(open_page: Open, url: str, path: str) -> None:
    page = open_page("en", path, width=390, at=url)
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    table.hover()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for button in page.get_by_test_id("stMain").get_by_role("button").all():
        if button.is_visible() and button.inner_text().strip():
            button.scroll_into_view_if_needed()
            assert button.evaluate(ON_TOP), button.inner_text()
