"""Who is signed in, at the foot of the sidebar: the spaces, the own account, the way out."""

from __future__ import annotations

import streamlit as st

from workbench.accounts import Person, Space, spaces_of
from workbench.accounts.signing_in import change_own_password
from workbench.contributions import draw_panels
from workbench.settings import Settings, load_settings
from workbench.ui.open_sessions import go_to
from workbench.ui.session import both, chosen_space, enter_space, signed_in
from workbench.ui.text import plain, shows_errors

ACCOUNT, OUT = "account", "out"
SPACE = "space:"


def show_account() -> None:
    """One quiet menu; nothing where nobody has to sign in."""
    person = signed_in()
    if person is None:
        return
    root = load_settings()
    here = chosen_space()
    names = {space.name: space_name(space) for space in spaces_of(root, person)}
    entries = {f"{SPACE}{name}": _marked(text, name == here) for name, text in names.items()}
    entries[ACCOUNT] = both("My account", "我的账号")
    entries[OUT] = both("Sign out", "退出登录")
    chosen = st.menu_button(
        plain(f"{person.name} · {names[here]}"),
        list(entries),
        format_func=lambda one: plain(entries[one]),
        key="account",
        icon=":material/person:",
        type="tertiary",
    )
    if chosen == OUT:
        go_to("/logout")
    elif chosen == ACCOUNT:
        st.dialog(entries[ACCOUNT])(_show_own_account)(root, person)
    elif chosen and chosen.removeprefix(SPACE) != here:
        enter_space(chosen.removeprefix(SPACE))
        st.rerun()


def space_name(space: Space) -> str:
    """The space in the page's language."""
    names = {"own": both("My space", "我的空间"), "main": both("Main", "主空间")}
    return names.get(space.kind, space.name)


def _marked(text: str, here: bool) -> str:
    return f"✓ {text}" if here else text


def _show_own_account(root: Settings, person: Person) -> None:
    """The dialog: the password, and what packages add, such as keys."""
    if person.has_password:
        with st.expander(both("Change the password", "修改密码"), icon=":material/key:"):
            _show_password_form(root, person)
    draw_panels("account", root, person)


def _show_password_form(root: Settings, person: Person) -> None:
    with st.form("own_password", border=False):
        old = _password_field(both("Current password", "当前密码"), "old_password")
        new = _password_field(both("New password", "新密码"), "new_password")
        again = _password_field(both("New password again", "再次输入新密码"), "again_password")
        sent = st.form_submit_button(both("Change it", "确认修改"))
    st.caption(
        both(
            "You then sign in again, here and in every other browser.",
            "修改后，所有浏览器都需要重新登录。",
        )
    )
    if not sent:
        return
    if new != again:
        st.error(both("The new passwords differ.", "两次输入的新密码不一致。"))
        return
    with shows_errors():
        change_own_password(root, person.name, old, new)
        go_to("/login")


def _password_field(label: str, key: str) -> str:
    return st.text_input(label, type="password", key=key)
