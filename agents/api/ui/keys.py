"""Keys of the HTTP API: one's own, made and revoked; all of them, for admins."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from agents.api.keys import FOR_ADMINS, SCOPES, Key, create_key, list_keys, revoke_key
from workbench.accounts import Person, spaces_of
from workbench.settings import Settings
from workbench.ui.account import space_name
from workbench.ui.times import moment
from workbench.ui.widgets import both, plain, shows_errors

ONCE = "key_shown_once"
DAYS = 90


def draw_own(root: Settings, person: Person) -> None:
    """The person's keys and a form that makes one, in the dialog of their account."""
    st.subheader(both("API keys", "API 密钥"))
    _show_once()
    for key in list_keys(root, person.name):
        _show_key(root, key, person)
    _show_form(root, person)


def draw_all(root: Settings, admin: Person) -> None:
    """Every key with its owner, on the page of people."""
    keys = list_keys(root)
    if not keys:
        st.caption(
            both(
                "No key yet. Each person makes their own under “My account”.",
                "还没有密钥。每个人可在“我的账号”中创建自己的密钥。",
            )
        )
    for key in keys:
        _show_key(root, key, admin, with_owner=True)


def _show_key(root: Settings, key: Key, by: Person, with_owner: bool = False) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        parts = [key.user] if with_owner else []
        parts += [key.space or both("own space", "个人空间"), ", ".join(key.scopes), _until(key)]
        facts = plain(" · ".join(parts))
        st.markdown(f"**{plain(key.name)}**  \n:gray[{facts}]", width="stretch")
        label = both("Revoke", "撤销")
        where = "all" if with_owner else "own"  # both may be on the page
        if st.button(label, type="tertiary", key=f"revoke-{where}-{key.user}-{key.name}"):
            with shows_errors():
                revoke_key(root, key.name, key.user, by=by.name)
                st.rerun(scope="app" if with_owner else "fragment")


def _until(key: Key) -> str:
    if not key.expires:
        return both("never expires", "永不过期")
    day = moment(key.expires)
    return (
        both(f"expired {day}", f"已于 {day} 过期")
        if key.expired
        else both(f"until {day}", f"有效至 {day}")
    )


def _show_form(root: Settings, person: Person) -> None:
    names = {space.name: space_name(space) for space in spaces_of(root, person)}
    with st.form("new_key", clear_on_submit=True):
        name = st.text_input(both("Name of a new key", "新密钥名称"), key="key_name")
        scopes = st.multiselect(
            both("It may", "权限"), _scopes_for(person), default=["chat"], key="key_scopes"
        )
        left, right = st.columns(2)
        space = left.selectbox(
            both("In", "空间"), list(names), format_func=names.__getitem__, key="key_space"
        )
        days = right.number_input(
            both("Days (0: no end)", "有效天数（0 为不限）"),
            min_value=0,
            value=DAYS,
            key="key_days",
        )
        sent = st.form_submit_button(both("Make a key", "创建密钥"))
    if sent:
        with shows_errors():
            text = create_key(
                root, name, scopes, days, user=person.name, space=space, by=person.name
            )
            st.session_state[ONCE] = text
            st.rerun(scope="fragment")


def _scopes_for(person: Person) -> Sequence[str]:
    return [scope for scope in SCOPES if person.role == "admin" or scope not in FOR_ADMINS]


def _show_once() -> None:
    text = st.session_state.pop(ONCE, "")
    if text:
        st.info(both("The key, shown this once:", "密钥，仅显示这一次："))
        st.code(text, language=None, wrap_lines=True)
