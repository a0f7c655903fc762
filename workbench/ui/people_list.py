"""The people in a table, a form that adds one, and what can be done with the one chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from workbench.accounts import Person
from workbench.accounts.groups import join, list_groups
from workbench.accounts.passwords import new_password
from workbench.accounts.people import (
    ROLES,
    Quota,
    Role,
    add_person,
    change_quota,
    change_role,
    disable,
    enable,
    list_people,
)
from workbench.accounts.quotas import answers_today
from workbench.accounts.removing import remove_person
from workbench.accounts.signing_in import end_sessions, set_password
from workbench.settings import Settings
from workbench.ui.selecting import choose, fold, select
from workbench.ui.session import both
from workbench.ui.text import plain, shows_errors
from workbench.ui.times import moment

SHOWN, NEW = "shown_person", "new_person_form"  # keys of the selector and the popover
ONCE = "password_shown_once"
ROLE_NAMES = {
    "reader": ("Reader", "读者"),
    "editor": ("Editor", "编辑"),
    "admin": ("Admin", "管理员"),
}
QUOTAS = {
    "answers_at_once": ("Answers at a time", "同时进行的回答数"),
    "answers_a_day": ("Answers a day", "每日回答数"),
    "megabytes": ("Megabytes of disk", "磁盘空间（MB）"),
}


def show_people(root: Settings, admin: Person) -> None:
    """Draw the tab."""
    people = list_people(root)
    _show_table(people, answers_today(root))
    by_name = {person.name: person for person in people}
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = choose(left.selectbox, both("Person", "用户"), list(by_name), SHOWN)
    label = both("Add", "添加")
    with fold(right.popover, label, NEW, icon=":material/person_add:", width="stretch"):
        _show_form(root, admin)
    _show_password_once()
    _show_person(root, admin, by_name[name])


def role_name(role: str) -> str:
    """The role in the page's language."""
    return both(*ROLE_NAMES[role])


def _show_table(people: Sequence[Person], today: dict[str, int]) -> None:
    rows = [_row(person, today.get(person.name)) for person in people]
    st.dataframe(rows, hide_index=True, height=min(36 * (len(rows) + 1) + 2, 400))


def _row(person: Person, today: int | None) -> dict[str, str]:
    groups = ", ".join(f"{group} ({role_name(role)})" for group, role in person.groups.items())
    state = both("disabled", "已停用") if person.disabled else both("active", "正常")
    never = both("never", "从未")
    return {
        both("Name", "用户名"): person.name,
        both("Role", "角色"): role_name(person.role),
        both("Groups", "群组"): groups,
        both("State", "状态"): state,
        both("Last sign-in", "上次登录"): moment(person.signed_in) if person.signed_in else never,
        both("Answers today", "今日回答"): "" if today is None else str(today),
    }


def _show_form(root: Settings, admin: Person) -> None:
    with st.form("add_person", border=False, clear_on_submit=True):
        name = st.text_input(both("Name", "用户名"), key="new_person_name")
        role = _role_field("editor", "new_person_role")
        names = [group.name for group in list_groups(root)]
        groups = st.multiselect(both("Groups", "群组"), names, key="new_person_groups")
        st.caption(
            both(
                "A password is made and shown once. They change it under “My account”.",
                "系统会生成密码并只显示一次，用户可在“我的账号”中修改。",
            )
        )
        sent = st.form_submit_button(both("Add", "添加"), type="primary")
    if not sent:
        return
    with shows_errors():
        password = new_password()
        person = add_person(root, name, password, role, by=admin.name)
        for group in groups:
            join(root, group, person.name, _in_group(role), by=admin.name)
        _show_later(person.name, password)
        select(SHOWN, person.name)
        select(NEW, False)
        st.rerun()


def _in_group(role: Role) -> str:
    return "reader" if role == "reader" else "editor"


def _role_field(now: Role, key: str) -> Role:
    return st.selectbox(
        both("Role", "角色"),
        ROLES,
        index=ROLES.index(now),
        format_func=role_name,
        key=key,
        help=both(
            "A reader asks. An editor also changes the space. An admin also reaches the machine's "
            "files and manages people.",
            "读者可以提问；编辑还可以更改空间内容；管理员还可以访问本机文件并管理用户。",
        ),
    )


def _show_person(root: Settings, admin: Person, person: Person) -> None:
    """What can be changed of one person; every key has the name, so nothing goes to another."""
    name = person.name
    with st.form(f"person-{name}"):
        role = _role_field(person.role, f"role-{name}")
        numbers = {}
        columns = st.columns(len(QUOTAS))
        for column, (field, label) in zip(columns, QUOTAS.items(), strict=True):
            numbers[field] = column.number_input(
                plain(both(*label)),
                min_value=0,
                value=getattr(person.quota, field),
                help=both("0 is without a limit.", "0 表示不限。"),
                key=f"{field}-{name}",
            )
        saved = st.form_submit_button(both("Save", "保存"), type="primary")
    if saved:
        with shows_errors():
            if role != person.role:
                change_role(root, name, role, by=admin.name)
            if Quota(**numbers) != person.quota:
                change_quota(root, name, Quota(**numbers), by=admin.name)
            st.rerun()
    _show_actions(root, admin, person)


def _show_actions(root: Settings, admin: Person, person: Person) -> None:
    name = person.name
    with st.container(horizontal=True, key="person-actions"):
        if person.disabled:
            _action(both("Enable", "启用"), "enable", lambda: enable(root, name, by=admin.name))
        else:
            _action(both("Disable", "停用"), "disable", lambda: disable(root, name, by=admin.name))
        _action(both("New password", "重置密码"), "renew", lambda: _renew(root, admin, name))
        _action(
            both("End all sessions", "结束全部会话"),
            "end",
            lambda: end_sessions(root, name, by=admin.name),
        )
    sure = st.checkbox(
        both(
            f"Remove {plain(name)}. What they made moves to the folder removed.",
            f"移除 {plain(name)}，其内容会移到 removed 文件夹。",
        ),
        key=f"sure-{name}",
    )
    remove = both("Remove", "移除")
    _action(remove, "remove", lambda: remove_person(root, name, by=admin.name), disabled=not sure)


def _action(label: str, key: str, act: Callable[[], Any], disabled: bool = False) -> None:
    if st.button(label, key=f"person-{key}", disabled=disabled):
        with shows_errors():
            act()
            st.rerun()


def _renew(root: Settings, admin: Person, name: str) -> None:
    password = new_password()
    set_password(root, name, password, by=admin.name)
    _show_later(name, password)


def _show_later(name: str, password: str) -> None:
    """At the next drawing, and never again."""
    st.session_state[ONCE] = (name, password)


def _show_password_once() -> None:
    name, password = st.session_state.pop(ONCE, ("", ""))
    if not password:
        return
    st.info(
        both(
            f"The password of {plain(name)}, shown this once:",
            f"{plain(name)} 的密码，仅显示这一次：",
        )
    )
    st.code(password, language=None)
