"""The Data page: add a database, see its tables, say what they mean, run and keep queries."""

from __future__ import annotations

import streamlit as st

from agents.databases.example import load_example
from agents.databases.guard.guard import first_query, judge
from agents.databases.introspect import add_and_read, load_schema
from agents.databases.notes import add_pair, describe, load_notes, remove_pair, set_writer
from agents.databases.schema import Column, Schema, TableSchema
from agents.databases.sources import (
    DataSource,
    find_source,
    list_sources,
    remove_source,
    with_password,
)
from agents.databases.ui.result import edit_query
from workbench.errors import NotFound
from workbench.models.listing import NONE, list_runs
from workbench.settings import Settings
from workbench.ui.uploads import save_uploads
from workbench.ui.widgets import (
    begin_page,
    both,
    choices,
    plain,
    shows_errors,
)

KINDS = ["csv", "tsv", "xlsx", "parquet", "sqlite", "sqlite3", "db", "duckdb"]


def page() -> None:
    settings = begin_page(both("Data", "数据"))
    sources = list_sources(settings)
    if not sources:
        _show_empty(settings)
        return
    names = [source.name for source in sources]
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = left.selectbox(
        both("Database", "数据源"),
        names,
        key="shown_source",
        index=names.index(settings.source) if settings.source in names else 0,
    )
    with right.popover(both("Add", "添加"), icon=":material/add:", width="stretch"):
        _show_add(settings)
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
            choices()["source"] = load_example(settings).name
            st.rerun()
    _show_add(settings)


def _show_add(settings: Settings) -> None:
    with st.form("add_source", border=False):
        name = st.text_input(both("Name", "名称"), key="source_name").strip()
        address = st.text_input(
            both("Address of a server", "服务器地址"),
            placeholder="mysql://user@host:3306/database",
            key="source_address",
        ).strip()
        password = st.text_input(
            both("Password", "密码"), type="password", autocomplete="off", key="source_password"
        )
        files = st.file_uploader(
            both("or a file", "或者文件"), KINDS, accept_multiple_files=False, key="source_file"
        )
        sent = st.form_submit_button(both("Add", "添加"), type="primary")
    st.caption(
        both(
            "The password goes to a file in your own configuration folder that only you can read, "
            "never to the workspace.",
            "密码保存在你自己的配置文件夹中，仅你可读，不会写入工作区。",
        )
    )
    if not sent:
        return
    if not name or not (address or files):
        st.info(both("Give it a name, and an address or a file.", "请填写名称，并提供地址或文件。"))
        return
    with shows_errors():
        if address or files is None:
            place = with_password(address, password)
        else:
            place = str(save_uploads(settings, f"data-{name}", [files])[0])
        add_and_read(settings, name, place)
        choices()["source"] = name
        st.session_state.pop("shown_source", None)
        st.rerun()


def _show_source(settings: Settings, source: DataSource) -> None:
    schema = load_schema(source, settings)
    facts = [
        source.dialect,
        both(f"{len(schema.tables)} tables", f"{len(schema.tables)} 张表"),
        both(f"{schema.column_count()} columns", f"{schema.column_count()} 个字段"),
        source.address,
    ]
    st.caption(" · ".join(plain(fact) for fact in facts))
    tables, query, pairs, manage = st.tabs(
        [
            both("Tables", "表"),
            both("Query", "查询"),
            both("Verified answers", "核实问答"),
            both("Manage", "管理"),
        ]
    )
    with tables:
        _show_tables(settings, source, schema)
    with query:
        st.caption(
            both(
                "One SELECT. What runs is shown below it.",
                "一条 SELECT。实际执行的语句显示在下方。",
            )
        )
        edit_query(first_query(schema), source.name, settings, f"data-{source.name}")
    with pairs:
        _show_pairs(settings, source, schema)
    with manage:
        _show_manage(settings, source)


def _show_tables(settings: Settings, source: DataSource, schema: Schema) -> None:
    if not schema.tables:
        st.info(both("There are no tables here.", "这里没有表。"))
        return
    name = st.selectbox(both("Table", "表"), list(schema.by_name), key=f"table-{source.name}")
    table = schema.by_name[name]
    st.caption(plain(" · ".join(_facts(table))))
    st.dataframe([_row(column) for column in table.columns], hide_index=True)
    _describe(settings, source, schema, table)


def _facts(table: TableSchema) -> list[str]:
    """Rows, meaning and foreign keys, as far as they are known."""
    facts = [table.comment, table.description]
    if table.rows is not None:
        facts.insert(0, both(f"{table.rows:,} rows", f"{table.rows:,} 行"))
    for key in table.foreign_keys:
        facts.append(f"{key.column} → {key.other_table}.{key.other_column}")
    return [fact for fact in facts if fact]


def _row(column: Column) -> dict[str, str]:
    meanings = [text for text in (column.comment, column.description) if text]
    return {
        both("Column", "字段"): column.name,
        both("Type", "类型"): column.type,
        both("Key", "主键"): "✓" if column.primary else "",
        both("Meaning", "含义"): "; ".join(meanings),
        both("Synonyms", "同义词"): ", ".join(column.synonyms),
        both("Examples", "示例值"): ", ".join(column.samples[:4]),
    }


def _describe(settings: Settings, source: DataSource, schema: Schema, table: TableSchema) -> None:
    whole = both("the whole table", "整张表")
    with st.expander(both("Say what it means", "补充说明"), icon=":material/edit_note:"):
        chosen = st.selectbox(
            both("Column", "字段"),
            [whole, *table.by_name],
            key=f"described-{source.name}-{table.name}",
        )
        item = table if chosen == whole else table.by_name[chosen]
        where = f"{source.name}-{table.name}-{chosen}"
        text = st.text_input(both("Meaning", "含义"), item.description, key=f"meaning-{where}")
        words = st.text_input(
            both("Other words for it, separated by commas", "同义词，用逗号分隔"),
            ", ".join(item.synonyms),
            key=f"words-{where}",
        )
        if st.button(both("Save", "保存"), key=f"describe-{where}"):
            parts = [word.strip() for word in words.replace("，", ",").split(",")]
            synonyms = [word for word in parts if word]
            what = table.name if chosen == whole else f"{table.name}.{chosen}"
            with shows_errors():
                describe(source, settings, schema, what, text, synonyms)
                st.rerun()


def _show_pairs(settings: Settings, source: DataSource, schema: Schema) -> None:
    st.caption(
        both(
            "Questions whose query you have checked. They are examples for the model, and are "
            "answered without one.",
            "经过你核实的问题与查询：作为模型的示例，也可以在没有模型时直接回答。",
        )
    )
    for number, pair in enumerate(load_notes(source, settings).pairs):
        with st.expander(plain(pair["question"])):
            st.code(pair["sql"], language="sql", wrap_lines=True)
            if st.button(both("Remove", "移除"), key=f"unpair-{source.name}-{number}"):
                remove_pair(source, settings, pair["question"])
                st.rerun()
    with st.form(f"pair-{source.name}", clear_on_submit=False):
        question = st.text_input(
            both("Question", "问题"), key=f"pair-question-{source.name}"
        ).strip()
        sql = st.text_area("SQL", key=f"pair-sql-{source.name}", height=80).strip()
        sent = st.form_submit_button(both("Keep", "保存"))
    if sent and question and sql:
        with shows_errors():
            judge(sql, schema)
            add_pair(source, settings, question, sql)
            st.rerun()


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


def _show_manage(settings: Settings, source: DataSource) -> None:
    _choose_writer(settings, source)
    if st.button(
        both("Read the schema again", "重新读取表结构"), icon=":material/refresh:", key="refresh"
    ):
        with shows_errors():
            load_schema(source, settings, refresh=True)
            st.toast(both("Done", "已完成"))
    st.subheader(both("Remove", "移除"))
    sure = st.checkbox(
        both(
            f"Forget {source.name} with its descriptions and verified answers. "
            "The database itself stays.",
            f"移除 {source.name} 及其说明和核实问答。数据库本身保持不变。",
        ),
        key="sure_source",
    )
    if st.button(both("Remove the source", "移除数据源"), disabled=not sure, key="remove_source"):
        with shows_errors():
            remove_source(settings, source.name)
            choices().pop("source", None)
            for key in ("shown_source", "sure_source"):
                st.session_state.pop(key, None)
            st.rerun()


page()
