"""Data: databases and tables that can be asked; what is known of them, what the person adds, and queries by hand."""

from __future__ import annotations

import streamlit as st

from agents.audit_widgets import show_audit
from agents.data.introspect import load_schema
from agents.data.schema import Schema
from agents.data.sources import Source, add_source, keep_secret, list_sources, remove_source
from agents.data_widgets import edit_query
from agents.schema_widgets import show_pairs, show_schema
from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.uploads import save_uploads
from workbench.widgets import (
    choices,
    language_switch,
    page_settings,
    plain,
    say,
    show_error,
    show_jobs,
    shows_errors,
    translate_uploader,
)

KINDS = ["csv", "tsv", "xlsx", "parquet", "db", "sqlite", "sqlite3", "duckdb", "ddb"]


def page() -> None:
    settings = page_settings()
    translate_uploader()
    with st.sidebar:
        show_jobs(settings)
        language_switch()
    st.title(say("Data", "数据"))
    sources = list_sources(settings)
    if not sources:
        _show_empty(settings)
        return
    source = _choose_source(settings, sources)
    address, again = st.columns([4, 1], vertical_alignment="center")
    address.caption(plain(f"{source.dialect} · {source.address}"))
    refresh = again.button(
        say("Refresh", "刷新"), icon=":material/refresh:", key="refresh", width="stretch",
        help=say("Read the tables from the database again", "从数据库重新读取表结构"),
    )  # fmt: skip
    schema = _read_schema(settings, source, refresh)
    tables, query, pairs, log, manage = st.tabs(
        [
            say("Tables", "表"),
            "SQL",
            say("Verified questions", "已验证的问题"),
            say("Log", "日志"),
            say("Manage", "管理"),
        ]
    )
    if schema:
        with tables:
            show_schema(settings, source, schema)
        with query:
            edit_query("", source.name, settings, f"data-{source.name}")
        with pairs:
            show_pairs(settings, source, schema)
    with log:
        show_audit(settings, source)
    with manage:
        _show_manage(settings, source)


def _show_empty(settings: Settings) -> None:
    st.markdown(
        say(
            "Ask a database or a table in plain words: the query is checked, only reads, and is shown with its answer.  \n"
            "Add your own, or begin with a small example.",
            "用自然语言查询数据库或表格：查询语句经过检查、只读执行，并与答案一起显示。  \n"
            "添加你自己的数据，或者先用示例试一试。",
        )
    )
    if st.button(say("Load the example", "加载示例"), type="primary", icon=":material/database:", key="example"):
        from agents.data.example import load_example

        with shows_errors():
            load_example(settings)
            st.rerun()
    _show_new(settings)


def _choose_source(settings: Settings, sources: list[Source]) -> Source:
    """The source that is shown here is also the one that the chat asks."""
    names = [source.name for source in sources]
    if added := st.session_state.pop("added_source", ""):
        st.session_state["shown_source"] = added
    if st.session_state.get("shown_source") not in names:
        st.session_state["shown_source"] = settings.source if settings.source in names else names[0]
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.selectbox(say("Source", "数据源"), names, key="shown_source")
    with right.popover(say("Add", "添加"), icon=":material/add:", width="stretch"):
        _show_new(settings)
    choices()["source"] = name
    return sources[names.index(name)]


def _show_new(settings: Settings) -> None:
    """Name and address stay where they can be corrected; the password leaves page and session once it was sent."""
    used = st.session_state.get("passwords_used", 0)
    with st.form("new_source", border=False):
        name = st.text_input(say("Name of the new source", "新数据源名称"), key="new_source").strip()
        files = st.file_uploader(
            say("Files: CSV, XLSX, Parquet, SQLite, DuckDB", "文件：CSV、XLSX、Parquet、SQLite、DuckDB"), type=KINDS,
            accept_multiple_files=True, key="new_tables",
        )  # fmt: skip
        address = st.text_input(
            say("Or the address of a server, or a path on this machine", "或服务器地址、本机路径"), key="new_address",
            placeholder="mysql://reader@127.0.0.1:3306/shop",
        ).strip()  # fmt: skip
        password = st.text_input(
            say("Password", "密码"), type="password", autocomplete="off", key=f"new_password_{used}",
            help=say("It is kept outside the workspace, readable by you alone.", "密码保存在工作区之外，仅你本人可读。"),
        )  # fmt: skip
        sent = st.form_submit_button(say("Add", "添加"), type="primary")
    if sent and name and (files or address):
        st.session_state["passwords_used"] = used + 1
        try:
            _add(settings, name, _place_of(settings, name, list(files)) if files else address, password)
            st.session_state["added_source"] = name
        except WorkbenchError as error:
            st.session_state["source_problem"] = error.problem, error.fix
        st.rerun()
    elif sent:
        st.info(say("Give it a name, and files or an address.", "请填写名称，并选择文件或填写地址。"))
    if problem := st.session_state.pop("source_problem", None):
        show_error(*problem)


def _place_of(settings: Settings, name: str, files: list) -> str:
    """Where the uploaded files lie: a single one itself, several their folder."""
    paths = save_uploads(settings, f"data-{name}", files)
    return str(paths[0] if len(paths) == 1 else paths[0].parent)


def _add(settings: Settings, name: str, place: str, password: str) -> None:
    """Keep the source and its password if its tables can be read; nothing half added stays."""
    source = add_source(settings, name, place)
    try:
        if password and source.url:
            keep_secret(source.url, password)
        with st.spinner(say("Reading its tables…", "正在读取表结构…")):
            load_schema(source, settings)
    except WorkbenchError:
        if password and source.url:
            keep_secret(source.url, "")
        remove_source(settings, name)
        raise


def _read_schema(settings: Settings, source: Source, refresh: bool) -> Schema | None:
    try:
        return load_schema(source, settings, refresh)
    except WorkbenchError as error:
        show_error(error.problem, error.fix)
        return None


def _show_manage(settings: Settings, source: Source) -> None:
    st.subheader(say("Remove", "移除"))
    sure = st.checkbox(
        say(f"Forget {source.name} with its descriptions and verified questions. The database itself stays as it is.",
            f"移除 {source.name} 及其说明和已验证的问题。数据库本身不受影响。"),
        key=f"sure_{source.name}",
    )  # fmt: skip
    if st.button(say("Remove the source", "移除数据源"), disabled=not sure, key="remove_source"):
        with shows_errors():
            remove_source(settings, source.name)
            choices().pop("source", None)
            st.rerun()


page()
