"""Groups and their members; a group shares a space."""

from __future__ import annotations

import streamlit as st

from workbench.accounts import Person
from workbench.accounts.groups import IN_A_GROUP, Group, add_group, join, leave, list_groups
from workbench.accounts.people import list_people
from workbench.accounts.removing import remove_group
from workbench.settings import Settings
from workbench.ui.people_list import role_name
from workbench.ui.selecting import choose, fold, select
from workbench.ui.session import both
from workbench.ui.text import plain, shows_errors

SHOWN, NEW = "shown_group", "new_group_form"  # keys of the selector and the popover


def show_groups(root: Settings, admin: Person) -> None:
    """Draw the tab."""
    groups = {group.name: group for group in list_groups(root)}
    st.caption(
        both(
            "The members of a group share a space: its documents, sources, models and runs. "
            "Chats stay each person's own.",
            "群组成员共享一个空间：其中的文档、数据源、模型和训练记录。对话仍属于各人自己。",
        )
    )
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = ""
    if groups:
        name = choose(left.selectbox, both("Group", "群组"), list(groups), SHOWN)
    with fold(right.popover, both("New", "新建"), NEW, icon=":material/add:", width="stretch"):
        _show_form(root, admin)
    if name:
        _show_group(root, admin, groups[name])


def _show_form(root: Settings, admin: Person) -> None:
    with st.form("add_group", border=False, clear_on_submit=True):
        name = st.text_input(both("Name", "名称"), key="new_group_name")
        sent = st.form_submit_button(both("Create", "创建"), type="primary")
    if sent:
        with shows_errors():
            add_group(root, name, by=admin.name)
            select(SHOWN, name.strip())
            select(NEW, False)
            st.rerun()


def _show_group(root: Settings, admin: Person, group: Group) -> None:
    for person, role in group.members.items():
        with st.container(horizontal=True, vertical_alignment="center", key=f"in-{person}"):
            st.markdown(f"{plain(person)} · {role_name(role)}")
            label = both("Take out", "移出")
            if st.button(label, type="tertiary", key=f"leave-{group.name}-{person}"):
                with shows_errors():
                    leave(root, group.name, person, by=admin.name)
                    st.rerun()
    with st.form(f"join-{group.name}"), st.container(horizontal=True, vertical_alignment="bottom"):
        names = [person.name for person in list_people(root)]
        person = st.selectbox(both("Person", "用户"), names, key=f"joins-{group.name}")
        role = st.selectbox(
            both("Role in the group", "群组内角色"),
            IN_A_GROUP,
            index=IN_A_GROUP.index("editor"),
            format_func=role_name,
            key=f"joins-as-{group.name}",
        )
        sent = st.form_submit_button(both("Let in", "加入"))
    if sent:
        with shows_errors():
            join(root, group.name, person, role, by=admin.name)
            st.rerun()
    _show_remove(root, admin, group)


def _show_remove(root: Settings, admin: Person, group: Group) -> None:
    name = plain(group.name)
    sure = st.checkbox(
        both(
            f"Remove {name}. What is in its space moves to the folder removed.",
            f"移除 {name}，其空间内容会移到 removed 文件夹。",
        ),
        key=f"sure-group-{group.name}",
    )
    if st.button(both("Remove", "移除"), disabled=not sure, key="remove_group"):
        with shows_errors():
            remove_group(root, group.name, by=admin.name)
            st.rerun()
