"""Shared Streamlit pieces: the language of the page, errors shown as problem and fix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.settings import Settings, load_settings


def page_settings() -> Settings:
    """Settings of this session: the person's choices in the sidebar over environment and file."""
    return load_settings().model_copy(update=st.session_state.setdefault("choices", {}))


def language() -> str:
    """`en` or `zh`: what the person chose, else the settings, else the browser's language."""
    chosen = st.session_state.get("language") or load_settings().language
    if chosen != "auto":
        return chosen
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def say(english: str, chinese: str) -> str:
    """The text in the page's language. Both stand side by side, so neither can be missing."""
    return chinese if language() == "zh" else english


@contextmanager
def shows_errors() -> Iterator[None]:
    """A WorkbenchError inside becomes a box with the problem and the fix."""
    try:
        yield
    except WorkbenchError as error:
        st.error(f"{error.problem}\n\n{error.fix}", icon=":material/error:")
