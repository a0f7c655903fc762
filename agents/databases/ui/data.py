"""The Data page: add a database, see its tables, say what they mean, run and keep queries."""

from __future__ import annotations

import streamlit as st

from agents.databases.example import load_example
from agents.databases.guard.guard import first_query
from agents.databases.introspect import load_schema
from agents.databases.rights import noted_rights
from agents.databases.sources import DataSource, find_source, list_sources
from agents.databases.ui.account import show_account
from agents.databases.ui.adding import ADD, CHAT, SHOWN, show_add
from agents.databases.ui.managing import show_manage
from agents.databases.ui.paused import show_paused
from agents.databases.ui.result import edit_query
from agents.databases.ui.tables import show_tables
from agents.databases.ui.verified import show_pairs
from workbench.errors import NotFound
from workbench.settings import Settings
from workbench.ui import text
from workbench.ui.widgets import (
    announce,
    begin_page,
    both,
    choices,
    choose,
    fold,
    plain,
    select,
    shows_errors,
)


def page() -> None:
    settings = begin_page(both("Data", "数据"))
    names = [source.name for source in list_sources(settings)]
    if not names:
        _show_empty(settings)
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = choose(left.selectbox, both("Database", "数据源"), names, SHOWN, first=settings.source)
    with fold(right.popover, both("Add", "添加"), ADD, icon=":material/add:", width="stretch"):
        show_add(settings)
    choices()["source"] = chosen
    with shows_errors():
        try:
            source = find_source(settings, chosen)
        except NotFound:  # removed in another tab
            st.rerun()
        _show_source(settings, source)


def _show_empty(settings: Settings) -> None:
    st.markdown(
        both(
            "Connect a database or a table file and ask it in plain words. Data is only ever read. "
            "Or begin with an example: advertising posts and hourly activations.",
            "连接数据库或表格文件，用自然语言提问。数据只会被读取，绝不会被修改。"
            "也可以先用示例试一试：广告帖子与每小时激活数。",
        )
    )
    if st.button(
        both("Load the example database", "加载示例数据库"),
        type="primary",
        icon=":material/database:",
    ):
        with shows_errors():
            name = load_example(settings).name
            select(SHOWN, name)
            announce(both(f"Loaded {name}: ask it", f"已加载 {name}，可以提问了"), opens=CHAT)
            st.rerun()
    show_add(settings)


def _show_source(settings: Settings, source: DataSource) -> None:
    schema = load_schema(source, settings)
    facts = [
        source.dialect,
        both(f"{len(schema.tables)} tables", f"{len(schema.tables)} 张表"),
        both(f"{schema.column_count()} columns", f"{schema.column_count()} 个字段"),
        source.address,
    ]
    st.caption(" · ".join(plain(fact) for fact in facts))
    show_paused(settings, source)
    for sentence in schema.sentences():
        st.caption(f":material/info: {text.sentence(sentence)}")
    rights = noted_rights(source, settings)
    if rights is not None and rights.can_write:
        show_account(rights)
    tables, query, pairs, manage = st.tabs(
        [
            both("Tables", "表"),
            both("Query", "查询"),
            both("Verified answers", "核实问答"),
            both("Manage", "管理"),
        ]
    )
    with tables:
        show_tables(settings, source, schema)
    with query:
        st.caption(
            both(
                "One SELECT. What runs is shown below it.",
                "一条 SELECT。实际执行的语句显示在下方。",
            )
        )
        edit_query(first_query(schema), source.name, settings, f"data-{source.name}")
    with pairs:
        show_pairs(settings, source, schema)
    with manage:
        show_manage(settings, source)


page()
