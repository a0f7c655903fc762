"""What this session of the app has chosen: its settings and the language of its pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import streamlit as st

from workbench.accounts import Person, has_accounts, settings_in
from workbench.accounts.quotas import take_answer
from workbench.accounts.spaces import OWN, first_space
from workbench.errors import NotFound
from workbench.language import LANGUAGE_COOKIE, localized
from workbench.login.ticket import COOKIE, LONGEST, read_ticket
from workbench.settings import Settings, load_settings
from workbench.ui.open_sessions import claim_session, go_to
from workbench.ui.translation import in_chinese

NAMES = {"en": "English", "zh": "中文"}  # each in its own script
SPACE_COOKIE = "workbench_space"
OWN_SPACE = "*"  # in the cookie, where no text is no choice; no group has such a name


def page_settings() -> Settings:
    """Settings of this session: the person's choices in the sidebar over environment and file.

    They are read once a page run, here; the sentences of the page use what was read. Where people
    sign in, they are those of the person and the space; nothing is drawn for anybody else.
    """
    st.session_state["loaded_settings"] = _personal(load_settings())
    return _loaded_settings().model_copy(update=choices())


def choices() -> dict[str, Any]:
    """What the person has chosen on the page: fields of Settings."""
    return st.session_state.setdefault("choices", {})


def default_settings() -> Settings:
    """Settings as environment and file have them, without the session's choices."""
    return _loaded_settings()


def signed_in() -> Person | None:
    """Who is signed in, as the last page run has found; None where nobody has to."""
    return st.session_state.get("signed_in")


def count_answer() -> None:
    """Count one of the person's answers of the day, where people sign in. Raises UsedUp."""
    person = signed_in()
    if person is not None:
        take_answer(load_settings(), person)


def chosen_space() -> str:
    """The space that the person works in; empty is their own. It outlives a reload by a cookie."""
    chosen = st.session_state.get("space")
    if chosen is not None:
        return chosen
    kept = unquote(st.context.cookies.get(SPACE_COOKIE, ""))
    if kept == OWN_SPACE:
        return OWN
    person = signed_in()
    return kept or (first_space(person) if person else OWN)


def enter_space(name: str) -> None:
    """Work in another space from the next page run on; nothing that was chosen here goes along."""
    kept = {key: st.session_state[key] for key in ("language",) if key in st.session_state}
    st.session_state.clear()
    st.session_state.update(kept | {"space": name})
    st.query_params.clear()


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
        page_settings()
    return st.session_state["loaded_settings"]


def _personal(root: Settings) -> Settings:
    """The settings of who is signed in; ends the page run where that is nobody."""
    st.session_state["signed_in"] = None
    if not has_accounts(root):
        return root
    # how old the cookie may be was judged when the page was opened; the gate counts from there
    login = read_ticket(root, st.context.cookies.get(COOKIE, ""), idle=LONGEST)
    if login is None:
        go_to("/login")
    st.session_state["signed_in"] = login.person
    claim_session(login.person.name)
    try:
        return settings_in(root, login.person, chosen_space())
    except NotFound:  # no longer in that group
        enter_space("")
        return settings_in(root, login.person)
