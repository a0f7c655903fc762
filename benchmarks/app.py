"""What a person waits for in a workspace of 1,000 chats of 100 messages, in a real Chromium.

First paint, a change of page, opening a chat, Stop in two phases (median of 5), and
twenty sessions at once with a slow model: the slowest page and the answers lost. The model is a
scripted server on this machine. With `--before REVISION` the same is measured on an older tree,
whose workspace the newer one then opens.

`.venv/bin/python benchmarks/app.py [--before REVISION]`
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import conftest  # noqa: E402, F401 – first: it and browser import each other
from browser import FLAGS, running_app  # noqa: E402
from model_servers import Script, openai_server  # noqa: E402
from sessions import asking  # noqa: E402

from workbench.chat.database import FIRST  # noqa: E402

CHATS = 1000
MESSAGES = 100  # in each chat
DRAWN = 20  # of them that any tree draws when the chat is opened
SESSIONS = 20
ROUNDS = 5
DAY = 86_400  # seconds
WORDS = [
    *("annual", "leave", "warranty", "pressure", "invoice", "region", "customer", "travel", "of"),
    *("年假", "压力", "发票", "地区", "客户", "出差", "传感器", "合同", "设备", "合计", "多少"),
]
PAGES = ("Knowledge", "Data", "Training", "Models")
QUESTION = "How long is the warranty of the LF-220?"
WAITS = 60_000  # milliseconds
STATE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
PATIENT = Script(pieces=("word ",) * 40 + ("and the end.",), pause=0.2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--before", metavar="REVISION", help="an older tree to measure beside this")
    before = parser.parse_args().before
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{CHATS} chats of {MESSAGES} messages; medians of {ROUNDS}, in milliseconds")
        older = {}
        if before:
            with older_tree(before, folder / "tree") as tree:
                older = measure(folder / "before" / "workspace", tree)
            (folder / "now").mkdir()
            shutil.move(folder / "before" / "workspace", folder / "now" / "workspace")
        ours = measure(folder / "now" / "workspace", ROOT)
    show(ours, older)


@contextmanager
def older_tree(revision: str, tree: Path) -> Iterator[Path]:
    """The files of that revision, for as long as the context lasts."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
    try:
        yield tree
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def measure(home: Path, tree: Path) -> dict[str, float]:
    """Name -> milliseconds, or a count, of the app of that tree on that workspace."""
    from playwright.sync_api import sync_playwright

    if not home.exists():
        home.mkdir(parents=True)
        prepare(home)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        openai_server(PATIENT) as model,
        running_app(home, tree, openai_base_url=model) as url,
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=program, args=FLAGS)) as browser,
    ):
        found = measure_pages(browser, url)
        found |= measure_stop(browser, url)
        found |= measure_sessions(browser, url, home)
    return found


def prepare(home: Path) -> None:
    """The chats in a file of the first version, which every tree brings up to date."""
    with closing(sqlite3.connect(home / "workbench.db")) as database, database:
        database.executescript(f"{FIRST} pragma user_version = 1;")
        fill(database)


def fill(database: sqlite3.Connection) -> None:
    """Chats over two years, in two languages, of the columns that every version has."""
    chance = random.Random(7)
    now = time.time()
    for chat in range(1, CHATS + 1):
        written = now - DAY * 730 * chat / CHATS
        title = " ".join(chance.choices(WORDS, k=6))
        database.execute(
            "insert into conversations (id, title, created, updated) values (?, ?, ?, ?)",
            (chat, title, written, written),
        )
        database.executemany(
            "insert into messages (conversation, role, content, events, created) "
            "values (?, ?, ?, ?, ?)",
            [row(chat, number, chance, written) for number in range(MESSAGES)],
        )


def row(chat: int, number: int, chance: random.Random, written: float) -> tuple[Any, ...]:
    """A question of eight words, or an answer of sixty."""
    if number % 2 == 0:
        return chat, "user", " ".join(chance.choices(WORDS, k=8)), "[]", written
    text = " ".join(chance.choices(WORDS, k=60))
    events = [{"event": "token", "text": text}]
    return chat, "assistant", text, json.dumps(events), written


def measure_pages(browser: Any, url: str) -> dict[str, float]:
    """First paint, change of page, and a chat of 100 messages; the median of each."""
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS + 1):  # the first one warms the server
        with closing(browser.new_context(viewport={"width": 1440, "height": 900})) as context:
            for name, milliseconds in visit_pages(context.new_page(), url).items():
                times.setdefault(name, []).append(milliseconds)
    return {name: median(values[1:]) for name, values in times.items()}


def visit_pages(page: Any, url: str) -> dict[str, float]:
    """One walk of a new visitor through all pages and into an old chat."""
    page.set_default_timeout(WAITS)
    box = page.get_by_test_id("stChatInputTextArea")
    taken = {"first paint": timed(lambda: page.goto(url), box.wait_for)}
    page.wait_for_function(STATE)
    for name in PAGES:
        link = page.get_by_role("link", name=name, exact=True)
        heading = page.get_by_role("heading", level=1, name=name)
        taken[f"to {name}"] = timed(link.click, heading.wait_for)
        page.wait_for_function(STATE)
    chat = page.get_by_role("link", name="Chat", exact=True)
    taken["back to the chat"] = timed(chat.click, box.wait_for)
    page.wait_for_function(STATE)
    drawn = page.get_by_test_id("stChatMessage").nth(DRAWN - 1)
    taken["a chat of 100 messages"] = timed(
        lambda: page.goto(f"{url}/?chat=500"),
        lambda: (drawn.wait_for(), page.wait_for_function(STATE)),
    )
    return taken


def measure_stop(browser: Any, url: str) -> dict[str, float]:
    """From the press on Stop until the page says so: before the first word, and in the text."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAITS)
    found = {}
    for name, pause, awaited in (
        ("Stop before the first word", 20.0, ""),
        ("Stop in the text", 0.2, "word word"),
    ):
        PATIENT.pause = pause
        times = []
        for _ in range(ROUNDS):
            page.goto(url)
            ask(page)
            stop = page.get_by_role("button", name="Stop")
            stop.wait_for()
            if awaited:
                page.get_by_text(awaited).wait_for()
            else:
                page.wait_for_timeout(1500)  # the model has been asked by now
            times.append(timed(stop.click, page.get_by_text("Stopped.").wait_for))
        found[name] = median(times)
    context.close()
    PATIENT.pause = 0.2
    return found


def measure_sessions(browser: Any, url: str, home: Path) -> dict[str, float]:
    """Twenty sessions ask at once and follow their answers; one person looks through the pages."""
    last = answers_of(home, 0, "")[1]
    page = browser.new_page()
    page.set_default_timeout(WAITS)
    page.goto(url)
    page.get_by_test_id("stChatInputTextArea").wait_for()
    times = []
    with asking(url, QUESTION, SESSIONS) as sessions:
        while not all(session.asked for session in sessions):
            page.wait_for_timeout(100)
        for name in PAGES:
            heading = page.get_by_role("heading", level=1, name=name)
            link = page.get_by_role("link", name=name, exact=True)
            times.append(timed(link.click, heading.wait_for))
        until = time.monotonic() + WAITS / 1000
        whole = 0
        while whole < SESSIONS and time.monotonic() < until:
            page.wait_for_timeout(200)
            whole = answers_of(home, last, "%and the end.%")[0]
    page.close()
    return {
        f"slowest page, {SESSIONS} sessions": max(times),
        f"answers lost of {SESSIONS}": SESSIONS - whole,
    }


def answers_of(home: Path, after: int, like: str) -> tuple[int, int]:
    """How many whole answers after that message hold the text, and the last message's number."""
    query = "select count(*) from messages where id > ? and state = 'done' and content like ?"
    with closing(sqlite3.connect(home / "workbench.db")) as database:
        whole = database.execute(query, (after, like)).fetchone()[0]
        last = database.execute("select max(id) from messages").fetchone()[0]
    return whole, last


def ask(page: Any) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(QUESTION)
    box.press("Enter")


def timed(begin: Callable[[], Any], seen: Callable[[], Any]) -> float:
    """Milliseconds from the beginning until what is awaited can be seen."""
    begun = time.perf_counter()
    begin()
    seen()
    return 1000 * (time.perf_counter() - begun)


def show(ours: dict[str, float], older: dict[str, float]) -> None:
    """One line a measurement: ours, the older tree's, and their ratio."""
    print(f"{'':34}{'ours':>8}{'before':>8}{'ratio':>8}")
    for name, value in ours.items():
        line = f"{name:34}{value:8.0f}"
        if name in older:
            line += f"{older[name]:8.0f}"
            if older[name]:
                line += f"{value / older[name]:8.2f}"
        print(line)


if __name__ == "__main__":
    main()
