"""What changes a source: its writer, its password, its schema read again, its removal."""

from __future__ import annotations

import time

import streamlit as st

from agents.databases.introspect import count_tables, load_schema
from agents.databases.notes import load_notes, set_writer
from agents.databases.passwords import keep_password
from agents.databases.rights import note_rights
from agents.databases.sources import DataSource, remove_source
from agents.databases.ui.account import show_account
from agents.databases.ui.adding import say_answers
from workbench.models.listing import NONE, list_runs
from workbench.settings import Settings
from workbench.ui.widgets import announce, both, choices, plain, shows_errors


def show_manage(settings: Settings, source: DataSource) -> None:
    _choose_writer(settings, source)
    with st.container(horizontal=True, key="source_actions"):
        rereads = st.button(
            both("Read the schema again", "重新读取表结构"),
            icon=":material/refresh:",
            key="refresh",
        )
        tests = st.button(
            both("Test connection", "测试连接"), icon=":material/cable:", key="test_source"
        )
    if rereads:
        _read_again(settings, source)
    if tests:
        with shows_errors(), st.spinner(both("Connecting…", "正在连接…")):
            begun = time.monotonic()
            count_tables(source, settings)
            say_answers(source.name, time.monotonic() - begun)
            show_account(note_rights(source, settings))
    if source.url:
        _change_password(source)
    _remove(settings, source)


def _choose_writer(settings: Settings, source: DataSource) -> None:
    """Which tuned model writes the queries of this source; the choice is kept at once."""
    now = load_notes(source, settings).writer or NONE
    names = [NONE, *(run.name for run in list_runs(settings))]
    options = names if now in names else [*names, now]
    chosen = st.selectbox(
        both("Tuned model that writes its queries", "编写查询的微调模型"),
        options,
        index=options.index(now),
        format_func=lambda name: (
            both("none: the chat model does", "无：由对话模型编写") if name == NONE else name
        ),
        accept_new_options=True,
        key=f"writer-{source.name}",
        help=both(
            "A run of this workspace, or ollama:NAME. It is asked first; other questions go to the "
            "chat model.",
            "本工作区的训练结果，或 ollama:名称。优先由它编写；超出它能力的问题交给对话模型。",
        ),
    )
    if (chosen or NONE) != now:
        with shows_errors():
            set_writer(source, settings, chosen or NONE)
            st.toast(both("Saved", "已保存"))


def _read_again(settings: Settings, source: DataSource) -> None:
    with shows_errors(), st.spinner(both("Reading the schema…", "正在读取表结构…")):
        count = len(load_schema(source, settings, refresh=True).tables)
        tables = "1 table" if count == 1 else f"{count} tables"
        announce(
            both(f"{source.name}: {tables} read again", f"已重新读取 {source.name}：{count} 张表")
        )
        st.rerun()


def _change_password(source: DataSource) -> None:
    changed = st.session_state.get("passwords_changed", 0)  # the next form begins empty
    form = st.form("source_password", border=False)
    with form.container(horizontal=True, vertical_alignment="bottom"):
        password = st.text_input(
            both("New password", "新密码"),
            type="password",
            autocomplete="off",
            key=f"new_password-{source.name}-{changed}",
            width=260,
        )
        sent = st.form_submit_button(both("Keep", "保存"))
    if sent and password:
        with shows_errors():
            keep_password(source.url, password, source.space)
            st.session_state["passwords_changed"] = changed + 1
            announce(both(f"New password of {source.name} kept", f"已保存 {source.name} 的新密码"))
            st.rerun()


def _remove(settings: Settings, source: DataSource) -> None:
    st.subheader(both("Remove", "移除"))
    name = plain(source.name)
    sure = st.checkbox(
        both(
            f"Forget {name} with its descriptions and verified answers. The database itself stays.",
            f"移除 {name} 及其说明和核实问答。数据库本身保持不变。",
        ),
        key=f"sure-{source.name}",  # no other source's box is ever ticked
    )
    if st.button(both("Remove the source", "移除数据源"), disabled=not sure, key="remove_source"):
        with shows_errors():
            remove_source(settings, source.name)
            choices().pop("source", None)
            announce(both(f"Removed {source.name}", f"已移除 {source.name}"))
            st.rerun()
