"""Training: examples and a base -> a checked run file -> a job; and the runs with their curves."""

from __future__ import annotations

import streamlit as st

from finetune.run.run_state import RunNow, runs_now, starting
from finetune.ui.made import VIEW
from finetune.ui.new_run import show_new_run
from finetune.ui.run import show_runs
from finetune.ui.vocabulary import show_vocabulary
from workbench.jobs.job import Job
from workbench.settings import Settings
from workbench.ui.widgets import begin_page, both, choose_view, offer_example_model, plain, select


def page() -> None:
    settings = begin_page(both("Training", "训练"))
    runs = runs_now(settings)
    job = starting(settings)
    if job:
        st.fragment(_await_run, run_every=2.0)(settings, job)
    if not runs:
        st.session_state["no_run_yet"] = True
        _show_empty(settings)
    elif st.session_state.pop("no_run_yet", False):
        select(VIEW, "runs")  # the first one has come
    view = _chosen_view(runs)
    if view == "runs":
        show_runs(settings, runs)
    elif view == "new":
        show_new_run(settings)
    else:
        show_vocabulary(settings)


def _chosen_view(runs: list[RunNow]) -> str:
    """`runs`, where there are some, `new` or `vocabulary`."""
    views = {
        "new": both("New training", "新建训练"),
        "vocabulary": both("New vocabulary", "扩充词表"),
    }
    if runs:
        views = {"runs": both(f"Runs ({len(runs)})", f"训练记录（{len(runs)}）"), **views}
    return choose_view(both("View", "视图"), views, VIEW)


def _show_empty(settings: Settings) -> None:
    st.markdown(
        both(
            "Here a model learns your own facts and manners from questions and answers.  \n"
            "The result is a small adapter: chat with it, measure it, publish it to Ollama.",
            "在这里，模型从问答示例中学习你的知识和说话方式。  \n"
            "学到的内容保存为一个小的适配器，可以与它对话、评测，也可以发布到 Ollama。",
        )
    )
    if offer_example_model(settings):
        st.rerun()


def _await_run(settings: Settings, job: Job) -> None:
    now = starting(settings)
    if not now or now.id != job.id:
        st.rerun()
    st.caption(
        f"**{plain(job.title)}** · "
        + both("being prepared; its run will appear here", "准备中，稍后会出现在这里")
    )


page()
