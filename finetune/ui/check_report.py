"""Pieces of the Training page: the findings of a check, the cost, and what is learned."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from finetune.methods import METHODS
from workbench.ui.times import in_words
from workbench.ui.widgets import both, plain, told

LEARNED = "rgba(46,160,67,.32)"
MASKED = "rgba(128,128,128,.14)"
LINE_BREAK = "⏎<br>"


def show_report(report: dict[str, Any]) -> None:
    """The report of `check_text`."""
    warnings = report["warnings"]
    if report["problems"]:
        _show_problems(report["problems"])
    elif warnings:
        st.markdown(f"**{_readiness_words(len(warnings))}**")
    else:
        st.success(both("No problems.", "没有发现问题。"), icon=":material/check:")
    for warning in warnings:
        st.warning(plain(told(warning)), icon=":material/warning:")
    if report["estimate"]:
        st.caption(_cost_words(report["estimate"]))
    if report["methods"]:
        _show_methods(report["methods"])
    if report["lengths"]:
        st.caption(plain(_length_words(report)))
    if report["preview"]:
        _show_preview(report["preview"])


def _readiness_words(warnings: int) -> str:
    plural = "s" if warnings > 1 else ""
    return both(
        f"It can start. Read {warnings} remark{plural} first:",
        f"可以开始。请先看 {warnings} 条提示：",
    )


def _length_words(report: dict[str, Any]) -> str:
    """How long the rows are, and what of them is not learned."""
    lengths = sorted(report["lengths"])
    middle, longest = lengths[len(lengths) // 2], lengths[-1]
    cut, left_out = report["cut"], report["left_out"]
    return both(
        f"{len(lengths)} rows; half of them have at most {middle} tokens, the longest {longest} · "
        f"{cut} cut at the end · {left_out} left out",
        f"共 {len(lengths)} 行；半数不超过 {middle} 个词元，最长 {longest} 个 · "
        f"截断 {cut} 行 · 略去 {left_out} 行",
    )


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
    time = both("time not known", "时间未知")
    if cost["minutes"] is not None:
        needed = in_words(max(1, cost["minutes"] * 60))
        time = both(f"about {needed} if nothing else runs", f"无其他任务时约 {needed}")
    corpus = ""
    if "corpus_tokens" in cost:
        count = f"{cost['corpus_tokens']:,}"
        corpus = both(f"corpus of {count} tokens · ", f"语料 {count} 词元 · ")
    parameters = f"{cost['parameters'] / 1e6:.1f} M"
    trained = f"{cost['trainable'] / 1e6:.2f} M"
    words = both(
        f"{corpus}{parameters} parameters, {trained} of them trained · {cost['steps']} steps · "
        f"about {cost['memory_gb']} GB on {cost['device']} · {time}",
        f"{corpus}参数 {parameters}，其中训练 {trained} · {cost['steps']} 步 · "
        f"约 {cost['memory_gb']} GB（{cost['device']}） · {time}",
    )
    return plain(words)


def _show_methods(methods: list[dict[str, Any]]) -> None:
    """What each method would cost with the same data and base."""
    obstacles = any(row["problem"] for row in methods)
    shown = []
    for row in methods:
        minutes = row["minutes"]
        cells = {
            both("Method", "训练方法"): both(*METHODS[row["method"]].title),
            both("Memory", "内存"): f"{row['memory_gb']:.2f} GB",
            both("Trained", "训练参数"): in_thousands(row["trainable"]),
            both("Time", "用时"): "" if minutes is None else in_words(max(1, minutes * 60)),
            both("To Ollama", "发布"): both("yes", "可以")
            if row["publishes"]
            else both("no", "不可以"),
        }
        if obstacles:
            cells[both("Obstacle", "障碍")] = told(row["problem"]) if row["problem"] else ""
        shown.append(cells)
    with st.expander(both("What each method would cost", "各训练方法的开销")):
        st.dataframe(shown, hide_index=True)


def in_thousands(count: int) -> str:
    """1280 -> 1.3 k, 2_440_000 -> 2.44 M."""
    return f"{count / 1e6:.2f} M" if count >= 1e5 else f"{count / 1e3:.1f} k"


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
