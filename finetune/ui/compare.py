"""Piece of the Training page: chosen runs beside each other, their curves and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from finetune.run.comparing import Comparison, Table, compare
from finetune.run.runs import Run
from finetune.ui.curve import CURVES, comparison_chart
from workbench.ui.charts import show_chart
from workbench.ui.widgets import both, shows_errors

CHOSEN_FIRST = 2  # runs that are compared before a person has chosen
RESULTS = {
    "step": ("Steps taken", "已训练步数"),
    "steps": ("Steps in all", "总步数"),
    "loss": ("Loss", "损失"),
    "eval_loss": ("Held-out loss", "留出集损失"),
    "perplexity": ("Perplexity", "困惑度"),
    "perplexity_per_character": ("Perplexity per character", "每字符困惑度"),
    "eval_margin": ("Held-out margin", "留出集奖励差"),
    "eval_accuracy": ("Held-out accuracy", "留出集准确率"),
    "seconds": ("Seconds", "用时（秒）"),
}


def show_comparison(runs: Sequence[Run]) -> None:
    """A choice of the runs that have taken a step, and their comparison."""
    begun = {run.name: run for run in runs if run.begun}
    if len(begun) < 2:
        return
    st.subheader(both("Compare", "对比"))
    names = st.multiselect(
        both("Runs to compare", "要对比的训练"),
        list(begun),
        default=list(begun)[:CHOSEN_FIRST],
        key="compared_runs",
        placeholder=both("Choose", "请选择"),
    )
    if len(names) < 2:
        st.caption(both("Choose two or more.", "请选择两个或更多。"))
        return
    with shows_errors():
        found = compare([begun[name] for name in names])
        _show_curve(found)
        _show_table(
            both("Settings that differ", "不同的设置"),
            both("Setting", "设置"),
            found.settings,
            found.runs,
        )
        results = {_result_words(key): values for key, values in found.results.items()}
        _show_table(both("Results", "结果"), both("Result", "结果"), results, found.runs)


def _show_curve(found: Comparison) -> None:
    if not found.curves:
        return
    curve = next(iter(found.curves))
    labels = {name: both(*CURVES[name]) for name in found.curves}
    if len(found.curves) > 1:
        curve = st.segmented_control(
            both("Curve", "曲线"),
            list(found.curves),
            default=curve,
            format_func=labels.__getitem__,
            key="compared_curve",
            label_visibility="collapsed",
            required=True,
        )
    chart = comparison_chart(found.curves[curve], curve)
    show_chart(chart, width="stretch", key=f"compared_{curve}")


def _result_words(key: str) -> str:
    return both(*RESULTS[key]) if key in RESULTS else key


def _show_table(title: str, first: str, table: Table, runs: Sequence[str]) -> None:
    """One row a key, one column a run; `first` is the heading of the keys."""
    st.markdown(f"**{title}**")
    if not table:
        st.caption(both("None: they are the same.", "没有：它们完全相同。"))
        return
    rows = []
    for key, values in table.items():
        row: dict[str, Any] = {first: key}
        for name, value in zip(runs, values, strict=True):
            row[name] = _shown(value)
        rows.append(row)
    st.dataframe(rows, hide_index=True)


def _shown(value: Any) -> str:
    if value in (None, "", []):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
