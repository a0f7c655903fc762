"""Pieces of the Training page: the runs, and one of them with its curve and its actions."""

from __future__ import annotations

from typing import Any

import streamlit as st

from finetune.run.metrics import read_metrics
from finetune.run.run_state import RunNow, runs_now
from finetune.run.runs import Run
from finetune.train.lock import delete_run
from finetune.ui.curve import loss_chart
from finetune.ui.run_details import show_log, show_samples, show_scores
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.widgets import both, cancel_button, choices, plain, show_error, shows_errors

CHAT = "agents/ui/chat.py"
STATES = {
    "running": (("running", "训练中"), "blue"),
    "done": (("finished", "已完成"), "green"),
    "cancelled": (("cancelled", "已取消"), "gray"),
    "failed": (("failed", "失败"), "red"),
    "interrupted": (("interrupted", "已中断"), "orange"),
}


def show_runs(settings: Settings, runs: list[RunNow]) -> None:
    """A table of all runs, and the chosen one in full; it redraws itself while it is trained."""
    chosen = _choose(runs)
    if chosen.state == "running":
        st.fragment(_watch, run_every=2.0)(settings, chosen.run.name)
    else:
        _show_run(settings, chosen)
    if len(runs) > 1:
        st.subheader(both("All runs", "全部训练"))
        st.dataframe([_facts(now) for now in runs], hide_index=True)


def _choose(runs: list[RunNow]) -> RunNow:
    by_name = {now.run.name: now for now in runs}
    opened = st.session_state.pop("open_run", "")
    if opened:
        st.session_state["shown_run"] = opened
    if st.session_state.get("shown_run") not in by_name:
        st.session_state.pop("shown_run", None)
    name = st.selectbox(
        both("Run", "训练"),
        list(by_name),
        format_func=lambda name: f"{name} · {_state_words(by_name[name])}",
        key="shown_run",
    )
    return by_name[name]


def _watch(settings: Settings, name: str) -> None:
    """The run while it is trained; the whole page once it has ended."""
    for now in runs_now(settings):
        if now.run.name == name and now.state == "running":
            _show_run(settings, now)
            return
    st.rerun()


def _state_words(now: RunNow) -> str:
    words, _ = STATES[now.state]
    return both(*words)


def _facts(now: RunNow) -> dict[str, Any]:
    card = now.run.card
    step, steps, _ = now.progress()
    return {
        both("Run", "训练"): now.run.name,
        both("State", "状态"): _state_words(now),
        both("Steps", "步数"): f"{step} / {steps or '?'}",
        both("Loss", "损失"): card.get("loss"),
        both("Held out", "留出集损失"): card.get("eval_loss"),
        both("Base", "基础模型"): card.get("base"),
    }


def _show_run(settings: Settings, now: RunNow) -> None:
    with st.container(border=True, key="run"):
        _, colour = STATES[now.state]
        st.markdown(f"**{plain(now.run.name)}** :{colour}-badge[{_state_words(now)}]")
        _show_progress(now)
        _show_failure(now)
        _show_actions(settings, now)
        curve = loss_chart(read_metrics(now.run.metrics))
        if curve:
            st.vega_lite_chart(curve, width="stretch", key="loss")
        show_scores(now.run.card.get("scores", {}))
        show_samples(now)
        show_log(now)


def _show_failure(now: RunNow) -> None:
    if now.state != "failed" or not now.job:
        return
    last = now.job.last()
    problem = last.get("problem") or now.job.log(1) or both("No reason given.", "未说明原因。")
    show_error(problem, last.get("fix", ""))


def _show_progress(now: RunNow) -> None:
    step, steps, left = now.progress()
    facts = [both(f"step {step} of {steps or '?'}", f"第 {step} / {steps or '?'} 步")]
    if left:
        time = duration(left)
        facts.append(both(f"about {time} left", f"约剩 {time}"))
    base = now.run.card.get("base")
    if base:
        facts.append(both(f"base {base}", f"基础模型 {base}"))
    text = plain(" · ".join(facts))
    if now.state != "running":
        st.caption(text)
    elif steps:
        st.progress(min(1.0, step / steps), text)
    else:
        st.progress(0.0, both("Preparing…", "正在准备…"))


def duration(seconds: float) -> str:
    """3725 -> 1:02:05, 125 -> 2:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


def _show_actions(settings: Settings, now: RunNow) -> None:
    """Cancel a running one; else chat with it, resume it, delete it."""
    run = now.run
    with st.container(horizontal=True):
        if now.state == "running":
            if now.job:
                cancel_button(now.job, both("Cancel", "取消"), "cancel_run")
            return
        if (run.adapter / "adapter_config.json").exists():
            _chat_button(run.name)
        if now.state != "done":
            _resume_button(settings, run.name)
        with st.popover(both("Delete", "删除"), icon=":material/delete:"):
            _offer_deletion(run)


def _resume_button(settings: Settings, name: str) -> None:
    label = both("Resume", "继续训练")
    if st.button(label, icon=":material/resume:", key="resume_run"):
        title = both(f"Training {name}", f"正在训练 {name}")
        start(settings, title, ["finetune", "train", name, "--resume", "--json"])
        st.rerun()


def _offer_deletion(run: Run) -> None:
    st.markdown(
        both(
            f"Delete the run {plain(run.name)} with its adapter and checkpoints?",
            f"确定删除训练 {plain(run.name)} 及其适配器和检查点？",
        )
    )
    if st.button(both("Delete it", "确定删除"), type="primary", key="delete_run"):
        with shows_errors():  # a training of the command line may be at work on it
            delete_run(run)
            st.rerun()


def _chat_button(name: str) -> None:
    label = both("Chat with it", "与它对话")
    if st.button(label, type="primary", icon=":material/chat:", key="chat_run"):
        choices()["tuned"] = f"local:{name}"
        st.session_state.pop("tuned", None)  # the chat's own choice of before
        st.session_state["mode"] = "tuned"
        st.switch_page(CHAT)
