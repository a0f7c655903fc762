"""Pieces of the page Compare: each question with the arms' answers beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from agents.compare.kept import Comparison
from agents.compare.matrix import Asked, rows_where
from agents.compare.wording import label
from workbench.settings import Settings
from workbench.ui.widgets import both, choose_view, place_name, plain, safe, sentence, told

AT_ONCE = 10  # questions
BESIDE = 4  # answers in one line
Row = dict[str, Any]


def show_answers(comparison: Comparison, settings: Settings) -> None:
    """The questions that fit the filter, a few at a time."""
    where = _choose_where()
    rows = rows_where(comparison, where)
    if not rows:
        st.caption(both("No question is like that.", "没有这样的问题。"))
        return
    begin = _choose_page(comparison.name, where, len(rows))
    for asked in rows[begin : begin + AT_ONCE]:
        with st.container(border=True):
            _show_question(asked)


def _choose_where() -> str:
    labels = {
        "all": both("All questions", "全部问题"),
        "differ": both("Where they differ", "结果不同"),
        "all-fail": both("Where all fail", "全部答错"),
    }
    return choose_view(both("Questions", "问题"), labels, "answers_where")


def _choose_page(name: str, where: str, count: int) -> int:
    """The place of the first question shown."""
    pages = -(-count // AT_ONCE)
    if pages == 1:
        return 0
    label_text = both(f"Page, of {pages:d}", f"页（共 {pages:d} 页）")
    chosen = st.number_input(label_text, 1, pages, key=f"answers_page-{name}-{where}", width=140)
    return (int(chosen) - 1) * AT_ONCE


def _show_question(asked: Asked) -> None:
    st.markdown(f"**{plain(asked.question['question'])}**")
    should = plain(asked.question["answer"])
    st.caption(both(f"Should be: {should}", f"参考答案：{should}"))
    arms = list(asked.answers)
    for begin in range(0, len(arms), BESIDE):
        shown = arms[begin : begin + BESIDE]
        for column, arm in zip(st.columns(len(shown)), shown, strict=True):
            with column:
                _show_answer(arm, asked.answers[arm])


def _show_answer(arm: str, answer: Row) -> None:
    name = plain(told(label(arm)))
    mark = ":green[:material/check_circle:]" if answer["correct"] else ":red[:material/cancel:]"
    st.markdown(f"{mark} **{name}**")
    if answer["failed"]:
        st.caption(sentence(answer["failed"]))
    st.markdown(safe(answer["text"]))
    if answer["sources"]:
        _show_sources(answer["sources"])
    seconds = answer["seconds"]
    st.caption(both(f"{seconds:.1f} s", f"{seconds:.1f} 秒"))


def _show_sources(sources: Sequence[Row]) -> None:
    """The passages that were read, each opening where it stands."""
    label_text = both(f"{len(sources)} passages", f"{len(sources)} 个段落")
    with st.popover(label_text, icon=":material/description:"):
        for source in sources:
            place = f"{Path(source['source']).name} {place_name(source['locator'])}".strip()
            st.markdown(f"**\\[{source['number']:d}\\] {plain(place)}**")
            lines = [line for line in source["text"].splitlines() if line.strip()]
            st.markdown("  \n".join(plain(line) for line in lines))
