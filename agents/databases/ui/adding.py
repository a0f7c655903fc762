"""The form that adds a database: a server's address with its password, or a file; and its test."""

from __future__ import annotations

import streamlit as st

from agents.databases.introspect import add_and_read, try_place
from agents.databases.rights import note_rights, try_rights
from agents.databases.sources import with_password
from agents.databases.ui.account import show_account
from workbench.settings import Settings
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import announce, both, plain, select, shows_errors

KINDS = ["csv", "tsv", "xlsx", "parquet", "sqlite", "sqlite3", "db", "duckdb"]
SHOWN, ADD = "shown_source", "add_source_form"  # keys of the page's selector and its popover
CHAT = "agents/ui/chat.py"


def show_add(settings: Settings) -> None:
    """The form; what it adds is selected, and the popover around it closes."""
    added = st.session_state.get("sources_added", 0)  # the next form begins empty
    with st.form("add_source", border=False):
        name = st.text_input(both("Name", "名称"), key=f"source_name-{added}").strip()
        address = st.text_input(
            both("Address of a server", "服务器地址"),
            placeholder="mysql://user@host:3306/database",
            key=f"source_address-{added}",
        ).strip()
        password = st.text_input(
            both("Password", "密码"),
            type="password",
            autocomplete="off",
            key=f"source_password-{added}",
        )
        file = st.file_uploader(both("or a file", "或者文件"), KINDS, key=f"source_file-{added}")
        with st.container(horizontal=True):
            sent = st.form_submit_button(both("Add", "添加"), type="primary")
            tests = st.form_submit_button(both("Test connection", "测试连接"))
    st.caption(
        both(
            "The password goes to a file in your own configuration folder that only you can read, "
            "never to the workspace.",
            "密码保存在你自己的配置文件夹中，仅你可读，不会写入工作区。",
        )
    )
    if tests:
        _test(settings, name, with_password(address, password))
    elif sent and name and (address or file):
        _add(settings, name, with_password(address, password), file)
    elif sent:
        st.info(both("Give it a name, and an address or a file.", "请填写名称，并提供地址或文件。"))


def _test(settings: Settings, name: str, place: str) -> None:
    if not place:
        st.info(both("Give the address to test.", "请填写要测试的地址。"))
        return
    with shows_errors(), st.spinner(both("Connecting…", "正在连接…")):
        tables = try_place(settings, name, place)
        st.success(
            both(f"It answers and shows {tables} tables.", f"连接成功，可见 {tables} 张表。"),
            icon=":material/check:",
        )
        show_account(try_rights(settings, name, place))


def _add(settings: Settings, name: str, place: str, file: object) -> None:
    """`file` is an upload, or None; an address counts more."""
    with shows_errors(), st.spinner(both("Reading the schema…", "正在读取表结构…")):
        if not place:
            place = str(save_uploads(settings, f"data-{name}", [file])[0])  # type: ignore[list-item]
        source, schema = add_and_read(settings, name, place)
        note_rights(source, settings)
        st.session_state["sources_added"] = st.session_state.get("sources_added", 0) + 1
        select(SHOWN, name)
        select(ADD, False)
        count = len(schema.tables)
        tables = "1 table" if count == 1 else f"{count} tables"
        what = both(
            f"Added {name} with {tables}: ask it", f"已添加 {name}（{count} 张表），可以提问了"
        )
        announce(what, opens=CHAT)
        st.rerun()


def say_answers(name: str, seconds: float) -> None:
    """A source was reached, in that many seconds."""
    st.success(
        both(
            f"{plain(name)} answers in {seconds:.2f} s.",
            f"{plain(name)} 连接正常，用时 {seconds:.2f} 秒。",
        ),
        icon=":material/check:",
    )
