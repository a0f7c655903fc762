"""Text from elsewhere and errors -> what a page may show: no Markdown, HTML or picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from workbench.disk import maps_disk_errors
from workbench.errors import WorkbenchError
from workbench.messages import say
from workbench.ui.session import language, told

CODE = re.compile(r"(`[^`\n]+`)")
MARKS = re.compile(r"([\\`*_{}\[\]()#+!|<>$~:])")  # what Streamlit's Markdown gives a meaning


def plain(text: str) -> str:
    """Text from elsewhere as it stands: no Markdown, no HTML, no formula, no picture."""
    return MARKS.sub(r"\\\1", text)


def sentence(text: str) -> str:
    """A message from below in the page's language: its `code` is shown as code, the rest plain."""
    pieces = CODE.split(told(text))  # every second piece is code, in which nothing has a meaning
    return "".join(piece if place % 2 else plain(piece) for place, piece in enumerate(pieces))


def place_name(locator: str) -> str:
    """A locator in the page's language: page and line are words, the rest is the document's own."""
    if language() == "en":
        return locator
    locator = re.sub(r"^p\. (\d+)", r"第 \1 页", locator)
    return re.sub(r"\bline (\d+)$", r"第 \1 行", locator)


@contextmanager
def shows_errors() -> Iterator[None]:
    """A WorkbenchError inside becomes a box with the problem and the fix, a full disk too."""
    try:
        with maps_disk_errors(say("the workspace")):
            yield
    except WorkbenchError as error:
        show_error(error.problem, error.fix)


def show_error(problem: str, fix: str) -> None:
    """A red box in the page's language: the problem, and below it the fix where one is known."""
    parts = [sentence(part).replace("\n", "  \n") for part in (problem, fix) if part]
    text = "\n\n".join(parts)  # a problem of several lines keeps them
    st.error(text, icon=":material/error:")
