"""The app in a real headless Chromium: fixtures for the tests that drive it as a person would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import free_port, missing

ROOT = Path(__file__).resolve().parents[1]
PROXY = "workbench.example.org"  # a name under which a proxy offers the app
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

IDLE = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"


def settled(page: Any) -> Any:
    """The page, once it is drawn."""
    page.wait_for_function(IDLE)
    return page


@pytest.fixture(scope="session")
def app(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The app's address, on a workspace with the example handbook and no chat model."""
    home = new_workspace(tmp_path_factory.mktemp("app"))
    with running_app(home, allowed_hosts=PROXY) as url:
        yield url


@contextmanager
def running_app(home: Path, tree: Path = ROOT, **settings: str | None) -> Iterator[str]:
    """The address of the app of that tree on that workspace, while it runs.

    `settings` become WORKBENCH_* variables; None leaves one to the app.
    """
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("WORKBENCH_")
    }
    shared = os.environ.get("WORKBENCH_CACHE")  # what the tests of a run share
    settings = {"home": str(home), "cache": shared, **settings}
    settings = {"ollama_host": "http://127.0.0.1:9", **settings}
    environment |= {
        f"WORKBENCH_{key.upper()}": value for key, value in settings.items() if value is not None
    }
    port = free_port()
    log = (home.parent / "log.txt").open("wb")
    command = [sys.executable, "-m", "workbench.cli", "run", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, cwd=tree, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 240
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            break
        except OSError:
            time.sleep(0.3)
    else:
        server.kill()
        pytest.fail(
            f"the app did not start: {(home.parent / 'log.txt').read_text('utf-8', 'replace')[-2000:]}"
        )
    try:
        yield url
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    program = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if not program:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(request: pytest.FixtureRequest, chromium: object) -> Iterator[Callable[..., object]]:
    """`open_page(language, path)` opens the app (or the one at `at`) as a person of that language
    sees it.
    """
    contexts = []

    def open_as(language: str, path: str = "", width: int = 1280, at: str = "") -> object:
        locale = {"en": "en-US", "zh": "zh-CN"}[language]
        context = chromium.new_context(locale=locale, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{at or request.getfixturevalue('app')}/{path}")
        return page

    yield open_as
    for context in contexts:
        context.close()
