"""What this session of the app has chosen: its settings and the language of its pages."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.language import localized
from workbench.settings import Settings, load_settings
from workbench.ui.translation import in_chinese

NAMES = {"en": "English", "zh": "中文"}  # each in its own script
LANGUAGE_COOKIE = "workbench_language"


def page_settings() -> Settings:
    """Settings of this session: the person's choices in the sidebar over environment and file.

    They are read once a page run, here; the sentences of the page use what was read.
    """
    st.session_state["loaded_settings"] = load_settings()
    return _loaded_settings().model_copy(update=choices())


def choices() -> dict[str, Any]:
    """What the person has chosen on the page: fields of Settings."""
    return st.session_state.setdefault("choices", {})


def default_settings() -> Settings:
    """Settings as environment and file have them, without the session's choices."""
    return _loaded_settings()


def language() -> str:
    """`en` or `zh`: what the person chose, else the settings, else the browser's language.

    A choice of an earlier session comes back with the browser's cookie.
    """
    chosen = st.session_state.get("language") or st.context.cookies.get(LANGUAGE_COOKIE)
    for one in (chosen, _loaded_settings().language):
        if one in NAMES:
            return one
    locale = st.context.locale or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def both(english: str, chinese: str) -> str:
    """The text in the page's language. Both stand side by side, so neither can be missing."""
    return localized(language(), english, chinese)


def told(text: str) -> str:
    """A sentence from below the pages, in the page's language."""
    return in_chinese(text) if language() == "zh" else text


def language_switch() -> None:
    """The two languages to choose from."""
    st.segmented_control(
        both("Language", "语言"),
        list(NAMES),
        format_func=NAMES.__getitem__,
        default=language(),
        key="language_switch",
        label_visibility="collapsed",
        on_change=_switch_language,
    )


def _switch_language() -> None:
    st.session_state["language"] = st.session_state["language_switch"] or language()


def _loaded_settings() -> Settings:
    """What the last page run has read; the first sentence of a session comes before any."""
    if "loaded_settings" not in st.session_state:
        st.session_state["loaded_settings"] = load_settings()
    return st.session_state["loaded_settings"]
