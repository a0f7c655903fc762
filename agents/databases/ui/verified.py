"""Verified questions of a source: kept from a result, edited, removed, each with Undo."""

from __future__ import annotations

import streamlit as st

from agents.databases.guard.guard import judge
from agents.databases.introspect import load_schema
from agents.databases.notes import add_pair, load_notes, remove_pair
from agents.databases.schema import Schema
from agents.databases.sources import DataSource, find_source
from workbench.errors import InvalidInput
from workbench.settings import Settings
from workbench.ui.widgets import announce, both, fold, plain, select, shows_errors


def show_pairs(settings: Settings, source: DataSource, schema: Schema) -> None:
    """The verified questions with their queries, and a form for one more."""
    st.caption(
        both(
            "Questions whose query you have checked. They are examples for the model, and are "
            "answered without one.",
            "经过你核实的问题与查询：作为模型的示例，也可以在没有模型时直接回答。",
        )
    )
    pairs = load_notes(source, settings).pairs
    for pair in pairs:
        _show_pair(settings, source, schema, pair)
    if not pairs:
        st.info(
            both(
                "None yet: run a query and keep it with its question, or write one here.",
                "还没有：运行一条查询并连同问题一起保存，或在这里填写。",
            )
        )
    _add_form(settings, source, schema)


def offer_saving(sql: str, source_name: str, settings: Settings, key: str) -> None:
    """A popover that keeps the query, with the question it answers, as a verified question."""
    label = both("Save as verified question", "存为核实问题")
    folded = f"verify-{key}"
    with fold(st.popover, label, folded, icon=":material/verified:", type="tertiary"):
        with st.form(f"verify-form-{key}", border=False, clear_on_submit=True):
            question = st.text_input(
                both("The question it answers", "它回答的问题"), key=f"verified-question-{key}"
            ).strip()
            saves = st.form_submit_button(
                both("Save", "保存"), type="primary", key=f"verify-now-{key}"
            )
        if saves:
            with shows_errors():
                source = find_source(settings, source_name)
                keep_pair(settings, source, load_schema(source, settings), question, sql)
                select(folded, False)
                st.rerun()


def keep_pair(
    settings: Settings,
    source: DataSource,
    schema: Schema,
    question: str,
    sql: str,
    instead_of: str = "",
) -> None:
    """Keep a pair that the guard lets pass, in place of the question `instead_of` where given.

    Says so, with Undo. Raises InvalidInput or Refused.
    """
    if not question or not sql.strip():
        raise InvalidInput(
            "A verified question needs a question and its query.", "Fill in both fields."
        )
    judge(sql, schema)
    before = load_notes(source, settings).pairs
    if instead_of and instead_of != question:
        remove_pair(source, settings, instead_of)
    add_pair(source, settings, question, sql.strip())

    def undo() -> None:
        remove_pair(source, settings, question)
        for pair in before:
            if pair["question"] in (question, instead_of):
                add_pair(source, settings, pair["question"], pair["sql"])

    announce(both(f"Kept: {question}", f"已保存：{question}"), undo=undo)


def _show_pair(
    settings: Settings, source: DataSource, schema: Schema, pair: dict[str, str]
) -> None:
    key = f"{source.name}-{pair['question']}"
    with st.expander(plain(pair["question"])):
        with st.form(f"edit-pair-{key}", border=False):
            question = st.text_input(
                both("Question", "问题"), pair["question"], key=f"edit-question-{key}"
            )
            sql = st.text_area("SQL", pair["sql"], key=f"edit-sql-{key}", height=100)
            saves = st.form_submit_button(both("Save", "保存"), key=f"edit-{key}")
        removes = st.button(
            both("Remove", "移除"),
            icon=":material/delete:",
            type="tertiary",
            key=f"unpair-{key}",
        )
    if saves:
        with shows_errors():
            keep_pair(settings, source, schema, question.strip(), sql, pair["question"])
            st.rerun()
    if removes:
        with shows_errors():
            _remove(settings, source, pair)
            st.rerun()


def _remove(settings: Settings, source: DataSource, pair: dict[str, str]) -> None:
    remove_pair(source, settings, pair["question"])
    announce(
        both(f"Removed: {pair['question']}", f"已移除：{pair['question']}"),
        undo=lambda: add_pair(source, settings, pair["question"], pair["sql"]),
    )


def _add_form(settings: Settings, source: DataSource, schema: Schema) -> None:
    kept = st.session_state.get("pairs_kept", 0)  # the next form begins empty
    with st.form(f"pair-{source.name}", clear_on_submit=False):
        question = st.text_input(
            both("Question", "问题"), key=f"pair-question-{source.name}-{kept}"
        ).strip()
        sql = st.text_area("SQL", key=f"pair-sql-{source.name}-{kept}", height=80)
        sent = st.form_submit_button(both("Keep", "保存"))
    if sent:
        with shows_errors():
            keep_pair(settings, source, schema, question, sql)
            st.session_state["pairs_kept"] = kept + 1
            st.rerun()
