"""Compare: base, documents and tuning on the same questions; the results, and a new comparison."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from agents.compare.kept import Comparison, list_comparisons
from agents.compare.ui.made import SHOWN, VIEW
from agents.compare.ui.new_comparison import is_running, offer_example, show_new
from agents.compare.ui.results import show_results
from workbench.contributions import draw_panels
from workbench.settings import Settings
from workbench.ui.widgets import begin_page, both, choose, choose_view, select, shows_errors


def page() -> None:
    settings = begin_page(both("Compare", "对比"))
    draw_panels("compare", settings)
    kept = list_comparisons(settings)
    if is_running(settings):
        st.fragment(_await_result, run_every=2.0)(settings)
    if not kept:
        st.session_state["no_comparison_yet"] = True
        _show_empty(settings)
    elif st.session_state.pop("no_comparison_yet", False):
        select(VIEW, "results")  # the first one has come
    if _chosen_view(kept) == "results":
        _show_one(settings, kept)
    else:
        show_new(settings)


def _show_empty(settings: Settings) -> None:
    st.markdown(
        both(
            "Do documents or tuning answer better? The same questions are put to each, the answers "
            "are scored, and the numbers say how sure the verdict is.",
            "检索文档和微调，哪个回答得更好？向每一方提出相同的问题并给答案评分，用数据说明结论有多可靠。",
        )
    )
    offer_example(settings)


def _chosen_view(kept: Sequence[Comparison]) -> str:
    """`results`, where there are some, or `new`."""
    views = {"new": both("New comparison", "新建对比")}
    if kept:
        results = both(f"Comparisons ({len(kept)})", f"对比记录（{len(kept)}）")
        views = {"results": results, **views}
    return choose_view(both("View", "视图"), views, VIEW)


def _show_one(settings: Settings, kept: Sequence[Comparison]) -> None:
    by_name = {comparison.name: comparison for comparison in kept}
    name = choose(st.selectbox, both("Comparison", "对比"), list(by_name), SHOWN)
    with shows_errors():
        show_results(by_name[name], settings)


def _await_result(settings: Settings) -> None:
    """Draw the page again once no comparison runs any more."""
    if not is_running(settings):
        st.rerun()
    st.caption(
        both(
            "A comparison is running; its progress is shown at the side.",
            "正在进行对比，进度显示在侧边栏。",
        )
    )


page()
