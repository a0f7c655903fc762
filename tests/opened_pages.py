"""A page of the app through Streamlit's AppTest, on the test's own workspace."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from workbench.settings import Settings
from workbench.start.run import ROOT

APART = re.compile(r":color\[(.*?)\]")  # a sign that shall not join its neighbours


@pytest.fixture
def page(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """`page(file, language)` opens that page on the test's own workspace, with nothing else
    reachable.
    """
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", "http://127.0.0.1:9")

    def open_it(file: str, language: str = "en") -> AppTest:
        monkeypatch.setenv("WORKBENCH_LANGUAGE", language)
        return drawn(AppTest.from_file(str(ROOT / file), default_timeout=60).run())

    return open_it


def drawn(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    """What a person reads, without the marks that keep it from being Markdown."""
    kinds = (
        "title",
        "subheader",
        "markdown",
        "caption",
        "info",
        "error",
        "warning",
        "success",
        "code",
    )
    text = "\n".join(str(item.value) for kind in kinds for item in app.get(kind))
    return APART.sub(r"\1", text).replace("\\", "")
