"""The page Forecasts: fit a series, see what comes with its band, and how good the past was."""

from __future__ import annotations

import streamlit as st

from agents.databases.example import load_example
from agents.databases.sources import list_sources
from agents.forecast.shelf import Kept, list_forecasts
from agents.forecast.ui.kept import show_kept
from agents.forecast.ui.made import SHOWN, VIEW
from agents.forecast.ui.new import EXAMPLE, show_new, start_fit
from workbench.jobs.job import Job, list_jobs
from workbench.settings import Settings
from workbench.ui.widgets import begin_page, both, choose, choose_view, plain, shows_errors

FIT = ["forecast", "fit"]


def page() -> None:
    settings = begin_page(both("Forecasts", "预测"))
    found = {kept.name: kept for kept in list_forecasts(settings)}
    job = _running(settings)
    if job:
        st.caption(
            f":material/hourglass: **{plain(job.title)}** · "
            + both("being fitted; it will appear here", "正在拟合，完成后会出现在这里")
        )
    if not found:
        _show_empty(settings, job)
        return
    view = _chosen_view(found)
    if view == "new":
        show_new(settings)
        return
    name = choose(st.selectbox, both("Forecast", "预测"), list(found), SHOWN)
    with shows_errors():
        show_kept(settings, found[name])


def _chosen_view(found: dict[str, Kept]) -> str:
    views = {
        "kept": both(f"Forecasts ({len(found)})", f"已有预测（{len(found)}）"),
        "new": both("New forecast", "新建预测"),
    }
    return choose_view(both("View", "视图"), views, VIEW)


def _running(settings: Settings) -> Job | None:
    """The newest fit that runs."""
    for job in list_jobs(settings):
        if job.command[:2] == FIT and job.state == "running":
            return job
    return None


def _show_empty(settings: Settings, job: Job | None) -> None:
    st.markdown(
        both(
            "See what comes: a table with dates and numbers becomes a forecast with a band, and "
            "the past shows how far it can be relied on.  \n"
            "Or begin with the example: the hourly activations of five materials.",
            "预测接下来的数值：只要表里有时间和数字，就能得到带区间的预测，"
            "并用历史数据检验可信程度。  \n"
            "也可以先用示例试一试：五个素材每小时的激活数。",
        )
    )
    pressed = st.button(
        both("Forecast the example", "预测示例数据"),
        type="primary",
        icon=":material/trending_up:",
        disabled=job is not None,
        key="forecast_example",
    )
    if pressed:
        with shows_errors():
            load_example(settings)
            start_fit(settings, EXAMPLE, both("Forecast activations", "预测激活数"))
            st.rerun()
    if list_sources(settings):
        st.subheader(both("Your own data", "自己的数据"))
        show_new(settings)


page()
