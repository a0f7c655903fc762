"""Pieces of the Training page: the findings of a check, the cost, and what is learned."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from workbench.ui.widgets import both, plain, told

LEARNED = "rgba(46,160,67,.32)"
MASKED = "rgba(128,128,128,.14)"
LINE_BREAK = "⏎<br>"


def show_report(report: dict[str, Any]) -> None:
    """The report of `check_text`."""
    if report["problems"]:
        _show_problems(report["problems"])
    else:
        st.success(both("No problems.", "没有发现问题。"), icon=":material/check:")
    for warning in report["warnings"]:
        st.warning(plain(told(warning)), icon=":material/warning:")
    if report["estimate"]:
        st.caption(_cost_words(report["estimate"]))
    if report["preview"]:
        _show_preview(report["preview"])


def _show_problems(problems: list[dict[str, str]]) -> None:
    """Each with its place and its fix."""
    count = len(problems)
    plural = "s" if count > 1 else ""
    st.error(
        both(f"{count} problem{plural} to solve first", f"请先解决 {count} 个问题"),
        icon=":material/error:",
    )
    rows = [
        {
            both("Where", "位置"): row["where"],
            both("Problem", "问题"): told(row["problem"]),
            both("What to do", "处理方法"): told(row["fix"]),
        }
        for row in problems
    ]
    st.dataframe(rows, hide_index=True)


def _cost_words(cost: dict[str, Any]) -> str:
    minutes = cost["minutes"]
    time = both(f"about {minutes} min", f"约 {minutes} 分钟")
    if minutes is None:
        time = both("time not known", "时间未知")
    parameters = f"{cost['parameters'] / 1e6:.1f} M"
    trained = f"{cost['trainable'] / 1e6:.2f} M"
    words = both(
        f"{parameters} parameters, {trained} of them trained · {cost['steps']} steps · "
        f"about {cost['memory_gb']} GB · {time} on {cost['device']}",
        f"参数 {parameters}，其中训练 {trained} · {cost['steps']} 步 · "
        f"约 {cost['memory_gb']} GB · {time}（{cost['device']}）",
    )
    return plain(words)


def _show_preview(rows: list[list[tuple[str, int, bool]]]) -> None:
    """Each token of a row: what is learned is marked, and its label shows under the pointer."""
    title = both("What is learned: tokens and labels", "学习内容：词元与标签")
    with st.expander(title, expanded=True):
        row = 1
        if len(rows) > 1:
            row = st.number_input(both("Row", "第几行"), 1, len(rows), key="previewed_row")
        st.html(token_markup(rows[row - 1]))
        st.caption(
            both(
                "Marked tokens are learned; the others are only read.",
                "高亮的词元参与学习，其余只作为输入。",
            )
        )


def token_markup(tokens: list[tuple[str, int, bool]]) -> str:
    """HTML of a row of tokens; the text of the data is escaped."""
    spans = []
    for text, label, learned in tokens:
        colour = LEARNED if learned else MASKED
        shown = html.escape(text).replace("\n", LINE_BREAK)
        style = f"background:{colour};border-radius:3px;margin:1px"
        spans.append(f'<span title="{label}" style="{style}">{shown}</span>')
    style = "white-space:pre-wrap;line-height:1.8;font-family:monospace"
    return f'<div style="{style}">{"".join(spans)}</div>'
