"""Hostile texts in a real browser, at every place that shows one: nothing is asked of a foreign host,
nothing runs, no link leads astray.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import running_app
from model_servers import Script, openai_server
from payloads import HUGE, SHORT
from playwright.sync_api import expect

from agents.databases.introspect import add_and_read
from rag.catalogue import Catalogue
from rag.ingest import ingest
from workbench.chat.conversations import Conversations
from workbench.chat.events import (
    Chart,
    Done,
    Event,
    Failed,
    Folded,
    Notice,
    Routed,
    Source,
    Step,
    Suggestions,
    Table,
    Thought,
    Token,
)
from workbench.models.packaged_embedders import MINILM
from workbench.settings import load_settings

pytestmark = pytest.mark.browser
expect.set_options(timeout=40_000)
Open = Callable[..., Any]

TEXTS = [payload.text for payload in SHORT]
PICTURE = "http://pictures.example/plan.svg"
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
AT_ONCE = 40  # payloads of one answer
# what a page must not hold: see the two lists it returns
DANGERS = """() => {
  const found = []
  const foreign = (address) => {
    try { return !['127.0.0.1', ''].includes(new URL(address, location).hostname) } catch { return false }
  }
  const loading = ['src', 'srcset', 'poster', 'background', 'data', 'action', 'formaction', 'ping', 'srcdoc']
  for (const element of document.querySelectorAll('body *')) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith('on')) found.push(`${element.tagName} ${name}`)
      if (loading.includes(name) && foreign(value)) found.push(`${element.tagName} ${name}=${value}`)
      if (name === 'style' && /url\\(["']?http/i.test(value)) found.push(`style ${value}`)
    }
    if (element.tagName === 'A' && element.hasAttribute('href')) {
      const href = element.getAttribute('href')
      const [, protocol, host] = /^(?:(https?|blob):[/][/]([^/?#]+))?/i.exec(href)
      if (!protocol && !/^[#/]/.test(href)) found.push(`link ${href}`)
      if (host && foreign(href) && !element.textContent.toLowerCase().includes(host)) found.push(`untold ${href}`)
      if (foreign(href) && !element.rel.includes('noopener')) found.push(`opener ${href}`)
    }
    if (element.tagName === 'IMAGE' || element.tagName === 'IMG')
      if (foreign(element.getAttribute('href') ?? '')) found.push('image')
  }
  for (const name of ['iframe', 'object', 'embed', 'video', 'audio', 'base', '.stMermaid'])
    if (document.querySelector(`body ${name}`)) found.push(name)
  if (window.hacked !== undefined) found.push('a script ran')
  return found
}"""


def as_items(texts: list[str]) -> str:
    """Each text within an item of a list, so that what one leaves open ends with it."""
    return "\n".join("- " + text.replace("\n", "\n  ") for text in texts)


def answers() -> Iterator[list[Event]]:
    """All payloads at all places of an answer, a part of them in each."""
    for begin in range(0, len(TEXTS), AT_ONCE):
        some = (TEXTS * 2)[begin : begin + AT_ONCE]
        rows = [[text, number] for number, text in enumerate(some[:20])]
        values = [{"x": text, "image": "http://evil.example/tip.png"} for text in some[:10]]
        encoding = {
            "x": {"field": "x", "type": "nominal", "title": some[0], "axis": None},
            "color": {"field": "image", "type": "nominal", "legend": None},
            "tooltip": {"field": "image", "type": "nominal", "title": "image"},
        }
        spec = {"data": {"values": values}, "mark": "bar", "title": some[1], "encoding": encoding}
        yield [
            Routed("none", " ".join(some[:5])),
            Thought(as_items(some)),
            Step(1, some[0][:60], {"question": some[1]}, as_items(some[5:15])),
            Table([some[3], "image"], rows),
            Token(as_items(some)),
            Token("\n\n" + "\n\n".join(text for text in some if "```" not in text)),
            Notice(" ".join(some[5:10])),
            Folded(as_items(some[10:20]), some[20 % len(some)]),
            Chart(spec),
            Suggestions([("none", text) for text in some[:12]]),
            *(
                Source(number, text, f"{text[:40]}.md", text[:40], 1.0, f"x{number}", "gone")
                for number, text in enumerate(some[:6], 1)
            ),
            Failed(some[2], some[4]),
            Done("none", 1.0),
        ]


def hostile_chat(conversations: Conversations, events: list[list[Event]]) -> int:
    chat = conversations.create("![title](http://evil.example/title.png) :material/delete:")
    for number, said in enumerate(events):
        conversations.add(chat, "user", TEXTS[number] + "\n" + TEXTS[-number])
        message = conversations.add(chat, "assistant", "")
        conversations.save(message, said, "done")
    return chat


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def chats() -> dict[str, int]:
    return {}


@pytest.fixture(scope="module")
def served(
    script: Script,
    chats: dict[str, int],
    new_workspace: Callable[[Path], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The app with a scripted model, and payloads in its chats, its database and its documents."""
    folder = tmp_path_factory.mktemp("shown")
    home = new_workspace(folder)
    settings = load_settings(home=home)
    Catalogue(home / "index.db")
    _add_documents(folder / "files", settings)
    _add_database(folder / "shop.db", settings)
    conversations = Conversations(home / "workbench.db")
    huge = [[Token(HUGE[4].text), Done("none", 1.0)]]
    chats["all"] = hostile_chat(conversations, [*answers(), *huge])
    picture = [[Token(f"Here: ![the plan]({PICTURE})"), Done("none", 1.0)]]
    chats["picture"] = hostile_chat(conversations, picture)
    with openai_server(script) as model, running_app(home, openai_base_url=model) as url:
        yield url


def _add_documents(folder: Path, settings: Any) -> None:
    folder.mkdir()
    for number, text in enumerate(TEXTS[::12]):
        name = "".join(sign for sign in text if sign not in "/\0\n\r")[:60] or "x"
        (folder / f"{number}{name}.txt").write_text(f"The harbour. {text}", "utf-8")
    ingest([folder], "handbook", settings, embedder=MINILM)


def _add_database(path: Path, settings: Any) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table posts (image text, n int)")
        database.execute('create table "![t](http://evil.example/t)" (":red[c]" text)')
        texts = [(text, number) for number, text in enumerate(TEXTS)]
        database.executemany("insert into posts values (?, ?)", texts)
    add_and_read(settings, "shop", str(path))


@pytest.fixture
def watched(open_page: Open, served: str) -> Iterator[Callable[[str], Any]]:
    """Opens a page of the app; at the end no request has gone elsewhere and no dialog has come."""
    strangers: list[str] = []

    def asks(request: Any) -> None:
        if not request.url.startswith((served, "data:", "blob:")):
            strangers.append(request.url)

    def dialog(shown: Any) -> None:
        strangers.append(f"dialog {shown.message}")
        shown.dismiss()

    def console(said: Any) -> None:  # the second wall hides no fault of the first
        if "Content Security Policy" in said.text:
            strangers.append(said.text)

    def watch(path: str) -> Any:
        page = open_page("en", at=served, path="")
        page.context.on("request", asks)
        page.on("dialog", dialog)
        page.on("console", console)
        page.on("popup", lambda popup: strangers.append(f"window {popup.url}"))
        page.goto(f"{served}/{path}")
        return page

    yield watch
    assert strangers == []


def drawn(page: Any) -> Any:
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'",
        timeout=40_000,
    )
    page.wait_for_timeout(500)
    return page


def test_no_answer_reaches_out_wherever_its_texts_stand(
    watched: Callable[[str], Any], chats: dict[str, int]
) -> None:
    page = watched(f"?chat={chats['all']}")
    expect(page.locator("[class*=st-key-actions-]").last).to_be_visible()
    drawn(page)
    for folded in page.locator("[data-testid=stExpander] summary").all():
        folded.evaluate("element => element.click()")
    drawn(page)
    assert page.evaluate(DANGERS) == []
    shown = page.locator("body").inner_text()
    assert shown.count("evil.example") > 300
    assert shown.count("are not shown") >= 2
    assert page.locator(".katex").count() > 0  # what is harmless is still drawn
    assert page.locator("[data-testid=stMarkdownContainer] table").count() > 0


def test_an_answer_that_grows_is_as_safe(watched: Callable[[str], Any], script: Script) -> None:
    whole = as_items([text for text in TEXTS if len(text) < 80][::7])
    script.pieces = [whole[place : place + 40] for place in range(0, len(whole), 40)]
    script.pause = 0.02
    page = watched("")
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill("hello")
    box.press("Enter")
    while not page.locator("[class*=st-key-actions-]").count():
        assert page.evaluate(DANGERS) == []
        page.wait_for_timeout(150)
    assert page.evaluate(DANGERS) == []
    assert json.dumps(script.requests)


def test_no_cell_or_passage_reaches_out(watched: Callable[[str], Any]) -> None:
    page = watched("data")
    page.get_by_role("tab", name="Query").click()
    query = page.locator("[class*=st-key-sql-] textarea").last
    query.fill("select image, n from posts limit 12")
    query.press("Control+Enter")
    page.get_by_role("button", name="Run").last.click()
    expect(page.get_by_text("rows are shown").last).to_be_visible()
    chart = page.get_by_test_id("stVegaLiteChart").last
    chart.scroll_into_view_if_needed()
    drawn(page)
    for down in (9, 10):  # on the longest bar; the box follows a pointer that moves
        chart.hover(position={"x": 300, "y": down})
    expect(page.locator("#vg-tooltip-element")).to_contain_text("evil.example")
    assert drawn(page).evaluate(DANGERS) == []
    page.goto(page.url.replace("/data", "/knowledge"))
    drawn(page).get_by_role("tab", name="Test search").click()
    search = page.locator(".st-key-search input")
    search.fill("harbour")
    search.press("Enter")
    expect(page.get_by_text("The harbour.").first).to_be_visible()
    assert drawn(page).evaluate(DANGERS) == []


def test_a_picture_from_elsewhere_is_asked_for_by_a_click_alone(
    open_page: Open, served: str, chats: dict[str, int]
) -> None:
    page = open_page("en", at=served, path=f"?chat={chats['picture']}")
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(body=DRAWING, content_type="image/svg+xml")

    page.context.route("http://pictures.example/**", answer)
    chip = page.get_by_role("link", name="the plan · pictures.example")
    expect(chip).to_be_visible()
    assert drawn(page) and asked == []
    with page.expect_popup() as opened:
        chip.click()
    assert opened.value.url == PICTURE and asked == [PICTURE]
    assert opened.value.locator("rect").count() == 1
    assert opened.value.evaluate("window.opener") is None


def test_the_browser_itself_refuses_what_would_get_through(open_page: Open, served: str) -> None:
    page = open_page("en", at=served)
    refused = page.evaluate(
        """() => new Promise((done) => {
          const found = []
          document.addEventListener('securitypolicyviolation', (event) => {
            found.push(event.effectiveDirective)
            if (found.length === 4) done(found.sort())
          })
          const made = document.createElement('div')
          made.innerHTML = '<img src="http://evil.example/x.png"><img src=x onerror="window.hacked=1">' +
            '<iframe src="http://evil.example"></iframe>'
          document.body.append(made)
          fetch('http://evil.example/x').catch(() => {})
        })"""
    )
    assert refused == ["connect-src", "frame-src", "img-src", "script-src-attr"]
    assert page.evaluate("window.hacked") is None
