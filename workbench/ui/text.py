"""Text from elsewhere -> what a page may show: as plain text, or as restricted Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st

from workbench.disk import maps_disk_errors
from workbench.errors import WorkbenchError
from workbench.markdown.restricted import NONE, plain_text, restricted, text_with_code
from workbench.messages import say
from workbench.ui.session import language, told


def plain(text: str) -> str:
    """Text from elsewhere as it stands: no Markdown, no HTML, no formula, no link, no picture."""
    return plain_text(text, told)


def safe(text: str) -> str:
    """Markdown from elsewhere: nothing in it loads or runs, and links say where they lead."""
    return "\n\n".join(blocks(text))


def blocks(text: str, citations: Mapping[str, str] = NONE) -> list[str]:
    """The same in blocks; `citations` are the numbers in brackets that lead into the page."""
    return restricted(text, citations, told)


def sentence(text: str) -> str:
    """A message from below in the page's language: its `code` is shown as code, the rest plain."""
    return text_with_code(text, told)


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
