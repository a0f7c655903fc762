"""The Knowledge and Data pages as a person uses them: selectors follow, reports help, nothing
foreign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from playwright.sync_api import expect

from agents.databases.example import load_example
from agents.databases.introspect import add_and_read
from rag.ingest import ingest
from workbench.settings import Settings, load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=40_000)
Open = Callable[..., Any]
ADDRESSES = ("127.0.0.1", "localhost", "")
PAGES = ("", "knowledge", "data", "training", "models")


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
            ingest([path], name, settings)
        load_example(settings)
        (folder / "tides.csv").write_text("day,height\nMonday,3\nTuesday,4\n", "utf-8")
        add_and_read(settings, "tides", str(folder / "tides.csv"))
    return home


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    with running_app(home) as address:
        yield address


def selected(page: Any, key: str) -> Any:
    """What the browser shows in the selector of that key."""
    return page.locator(f".st-key-{key} [data-baseweb=select], .st-key-{key} input").first


def encrypted(path: Path, text: str) -> Path:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica")
    if text:
        pdf.cell(text=text)
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
        expect(page.locator("link[rel*=icon]")).to_have_attribute("href", re_data())
    assert not foreign


def re_data() -> Any:
    import re

    return re.compile(r"^data:image/svg")
