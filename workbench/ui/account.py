"""Who is signed in, at the foot of the sidebar: the spaces, the own account, the way out."""

from __future__ import annotations

import streamlit as st

from workbench.accounts import Space, spaces_of
from workbench.settings import load_settings
from workbench.ui.open_sessions import go_to
from workbench.ui.session import both, chosen_space, enter_space, signed_in
from workbench.ui.text import plain

OUT = "out"
SPACE = "space:"


def show_account() -> None:
    """One quiet menu; nothing where nobody has to sign in."""
    person = signed_in()
    if person is None:
        return
    here = chosen_space()
    spaces = spaces_of(load_settings(), person)
    names = {space.name: _space_name(space) for space in spaces}
    entries = {f"{SPACE}{name}": _marked(text, name == here) for name, text in names.items()}
    entries[OUT] = both("Sign out", "退出登录")
    chosen = st.menu_button(
        plain(f"{person.name} · {names.get(here, '')}"),
        list(entries),
        format_func=lambda one: plain(entries[one]),
        key="account",
        icon=":material/person:",
        type="tertiary",
    )
    if chosen == OUT:
        go_to("/logout")
    elif chosen and chosen.removeprefix(SPACE) != here:
        enter_space(chosen.removeprefix(SPACE))
        st.rerun()


def _space_name(space: Space) -> str:
    names = {"own": both("My space", "我的空间"), "main": both("Main", "主空间")}
    return names.get(space.kind, space.name)


def _marked(text: str, here: bool) -> str:
    return f"✓ {text}" if here else text
