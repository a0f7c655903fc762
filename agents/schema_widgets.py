"""Pieces of the Data page: tables and columns as they are known, and what the person writes beside them."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from agents.data.guard import check
from agents.data.notes import add_pair, describe, load_notes, remove_pair
from agents.data.schema import Column, Schema, Table
from agents.data.sources import Source
from workbench.settings import Settings
from workbench.widgets import plain, say, shows_errors


def show_schema(settings: Settings, source: Source, schema: Schema) -> None:
    """One table at a time: its columns, keys and samples; descriptions and synonyms can be written into it."""
    tables, columns = len(schema.tables), schema.column_count()
    st.caption(
        say(f"{tables} table{'s'[: tables != 1]}, {columns} column{'s'[: columns != 1]}",
            f"{tables} 张表，{columns} 个字段")
    )  # fmt: skip
    if not schema.tables:
        return
    counts = {table.name: _rows(table) for table in schema.tables}
    name = st.selectbox(
        say("Table", "表"), list(counts), format_func=lambda name: f"{name} {counts.get(name, '')}".strip(),
        key=f"table_{source.name}",
    )  # fmt: skip
    table = schema.by_name[name]
    if table.comment:
        st.markdown(plain(table.comment))
    for key in table.foreign_keys:
        st.caption(plain(f"{key.column} → {key.other_table}.{key.other_column}"))
    _edit(settings, source, schema, table)


def _rows(table: Table) -> str:
    return "" if table.rows is None else say(f"({table.rows:,} rows)", f"（{table.rows:,} 行）")


def _edit(settings: Settings, source: Source, schema: Schema, table: Table) -> None:
    """The last two columns of the sheet are the person's; what is saved goes into the prompt of the SQL expert."""
    with st.form(f"notes_{source.name}_{table.name}", border=False):
        left, right = st.columns([2, 1])
        about = left.text_input(say("What the table holds", "表的说明"), table.description, key=f"about_{table.name}")
        others = right.text_input(
            say("Other words for it", "同义词"), ", ".join(table.synonyms), key=f"also_{table.name}"
        )
        description, synonyms = say("Description", "说明"), say("Other words", "同义词")
        facts = [_facts(column) for column in table.columns]
        edited = st.data_editor(
            facts, hide_index=True, key=f"columns_{source.name}_{table.name}",
            disabled=[name for name in facts[0] if name not in (description, synonyms)] if facts else True,
        )  # fmt: skip
        saved = st.form_submit_button(say("Save", "保存"), type="primary", icon=":material/save:")
    if saved:
        with shows_errors():
            describe(source, settings, schema, table.name, about.strip(), _words(others))
            for column, row in zip(table.columns, edited, strict=True):
                text, words = (row[description] or "").strip(), _words(row[synonyms] or "")
                if (text, words) != (column.description, list(column.synonyms)):
                    describe(source, settings, schema, f"{table.name}.{column.name}", text, words)
            st.rerun()


def _facts(column: Column) -> dict[str, Any]:
    return {
        say("Column", "字段"): f"{column.name} 🔑" if column.primary else column.name, say("Type", "类型"): column.type,
        say("Comment", "注释"): column.comment, say("Samples", "示例值"): ", ".join(column.samples[:4]),
        say("Description", "说明"): column.description, say("Other words", "同义词"): ", ".join(column.synonyms),
    }  # fmt: skip


def _words(text: str) -> list[str]:
    return [word.strip() for word in re.split(r"[,，、;；]", text) if word.strip()]


def show_pairs(settings: Settings, source: Source, schema: Schema) -> None:
    """Questions with the query that answers them: shown to the SQL expert as examples."""
    st.markdown(
        say(
            "A question with the query that rightly answers it teaches the SQL expert how your data is asked.",
            "给出问题及其正确的查询语句，可以教会 SQL 专家如何查询你的数据。",
        )
    )
    for number, pair in enumerate(load_notes(source, settings).pairs):
        text, action = st.columns([12, 1], vertical_alignment="center")
        text.markdown(f"**{plain(pair['question'])}**")
        text.code(pair["sql"], language="sql", wrap_lines=True)
        label = say("Remove", "移除")
        if action.button(
            "", icon=":material/delete:", type="tertiary", help=label, key=f"unpair-{source.name}-{number}"
        ):
            remove_pair(source, settings, pair["question"])
            st.rerun()
    with st.form("new_pair", clear_on_submit=False):
        question = st.text_input(say("Question", "问题"), key="pair_question").strip()
        sql = st.text_area(say("Query that answers it", "对应的查询语句"), key="pair_sql").strip()
        kept = st.form_submit_button(say("Keep", "保存"), type="primary")
    if kept and question and sql:
        with shows_errors():
            check(sql, schema, rows=settings.query_rows)  # a query that may not run is no example
            add_pair(source, settings, question, sql)
            st.rerun()
    elif kept:
        st.info(say("Write the question and its query.", "请填写问题和查询语句。"))
