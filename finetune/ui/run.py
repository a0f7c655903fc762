"""Pieces of the Training page: the runs, and one of them with its curve and its actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from finetune.run.metrics import read_metrics
from finetune.run.run_state import RunNow, runs_now
from finetune.train.lock import delete_run
from finetune.ui.benchmarks import show_benchmarks
from finetune.ui.compare import show_comparison
from finetune.ui.continuations import show_continuations, show_perplexity
from finetune.ui.curve import loss_chart, margin_chart
from finetune.ui.made import RUN
from finetune.ui.run_details import show_log, show_samples
from finetune.ui.scores import show_scores
from finetune.ui.speed import speed_facts
from workbench.jobs.ending import why_ended
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.beside import agreed
from workbench.ui.charts import show_chart
from workbench.ui.jobs import progress_of
from workbench.ui.opening import chat_button, open_for
from workbench.ui.times import in_words
from workbench.ui.widgets import (
    announce,
    both,
    cancel_button,
    choose,
    plain,
    show_error,
    shows_errors,
)

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
        st.dataframe([_facts(now, settings) for now in runs], hide_index=True)
        show_comparison([now.run for now in runs])


def _choose(runs: list[RunNow]) -> RunNow:
    """The run that was just started or opened, else the newest one that is sound."""
    by_name = {now.run.name: now for now in runs}
    sound = [now.run.name for now in runs if now.state in ("running", "done")]
    labels = {name: f"{name} · {_state_words(now)}" for name, now in by_name.items()}
    name = choose(
        st.selectbox,
        both("Run", "训练"),
        list(by_name),
        RUN,
        first=next(iter(sound), None),
        format_func=labels.__getitem__,
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


def _facts(now: RunNow, settings: Settings) -> dict[str, Any]:
    card = now.run.card
    step, steps, _ = now.progress()
    return {
        both("Run", "训练"): now.run.name,
        both("State", "状态"): _state_words(now),
        both("Steps", "步数"): f"{step} / {steps or '?'}",
        both("Loss", "损失"): card.get("loss"),
        both("Held out", "留出集损失"): card.get("eval_loss"),
        both("Base", "基础模型"): base_name(card, settings),
    }


def _show_run(settings: Settings, now: RunNow) -> None:
    with st.container(border=True, key="run"):
        _, colour = STATES[now.state]
        st.markdown(f"**{plain(now.run.name)}** :{colour}-badge[{_state_words(now)}]")
        _show_progress(settings, now)
        _show_failure(now)
        _show_actions(settings, now)
        rows = read_metrics(now.run.metrics)
        for key, curve in (("loss", loss_chart(rows)), ("margin", margin_chart(rows))):
            if curve:
                show_chart(curve, width="stretch", key=key)
        _show_preference(rows)
        show_perplexity(rows)
        show_scores(settings, now)
        show_benchmarks(settings, now)
        show_continuations(settings, now)
        show_samples(now)
        show_log(now)


def _show_preference(rows: list[dict[str, Any]]) -> None:
    """How well the model tells liked answers from others by now, where that is measured."""
    measured = [row for row in rows if "eval_margin" in row]
    if not measured:
        return
    last = measured[-1]
    share = last["eval_accuracy"]
    st.caption(
        both(
            f"Held out, step {last['step']:d}: the liked answer has the higher reward in "
            f"{share:.0%} of the pairs, by {last['eval_margin']:.3f} on average.",
            f"留出集，第 {last['step']:d} 步：在 {share:.0%} 的回答对中，受偏好的回答奖励更高，"
            f"平均高出 {last['eval_margin']:.3f}。",
        )
    )


def _show_failure(now: RunNow) -> None:
    """Why a run is not finished, where it was not a person who stopped it."""
    if now.state in ("failed", "interrupted") and now.job and now.job.state != "done":
        show_error(*why_ended(now.job))


def _show_progress(settings: Settings, now: RunNow) -> None:
    if now.state == "running" and now.job:
        st.progress(*progress_of(now.job))
    step, steps, _ = now.progress()
    facts = [both(f"step {step} of {steps or '?'}", f"第 {step} / {steps or '?'} 步")]
    seconds = now.run.card.get("seconds")
    if seconds and now.state != "running":
        facts.append(both(f"trained for {in_words(seconds)}", f"训练用时 {in_words(seconds)}"))
    facts += speed_facts(now)
    base = base_name(now.run.card, settings)
    if base:
        facts.append(both(f"base model: {base}", f"基础模型：{base}"))
    st.caption(plain(" · ".join(facts)))


def base_name(card: dict[str, Any], settings: Settings) -> str:
    """The base as the form lists it: a folder by its path in the workspace, else its name."""
    folder = Path(card.get("base_folder", ""))
    if folder.is_relative_to(settings.home):
        return str(folder.relative_to(settings.home))
    return str(card.get("base", ""))


def _show_actions(settings: Settings, now: RunNow) -> None:
    """Cancel a running one; chat with a finished one or publish it; else resume it. Delete it."""
    run = now.run
    finished = now.state == "done"
    wants_resume = False
    with st.container(horizontal=True, key="run_actions"):
        if now.state == "running":
            if now.job:
                cancel_button(now.job, both("Cancel", "取消"), "cancel_run")
            return
        if not finished:
            wants_resume = st.button(
                both("Resume", "继续训练"),
                type="primary",
                icon=":material/resume:",
                key="resume_run",
            )
        if run.can_be_asked:
            chat_button(f"local:{run.name}", "chat_run", first=finished)
        if finished:
            _publish_button(run.name)
        with st.popover(both("Delete", "删除"), icon=":material/delete:"):
            _offer_deletion(now)
    _resume(settings, run.name, wants_resume)


def _publish_button(name: str) -> None:
    label = both("Publish", "发布")
    if st.button(label, icon=":material/rocket_launch:", key="publish_this_run"):
        open_for("publish", name)


def _resume(settings: Settings, name: str, wanted: bool) -> None:
    after = agreed(settings, f"resume_run_{name}", wanted)  # another run asks again
    if after is None:
        return
    title = both(f"Training {name}", f"正在训练 {name}")
    start(settings, title, ["finetune", "train", name, "--resume", "--json"], after=after)
    st.rerun()


def _offer_deletion(now: RunNow) -> None:
    run = now.run
    st.markdown(
        both(
            f"Delete the run {plain(run.name)} with its adapter and checkpoints?",
            f"确定删除训练 {plain(run.name)} 及其适配器和检查点？",
        )
    )
    if st.button(both("Delete it", "确定删除"), type="primary", key="delete_run"):
        with shows_errors():  # a training of the command line may be at work on it
            delete_run(run)
            if now.job:
                now.job.put_away()
            announce(both(f"The run {run.name} has been deleted.", f"已删除训练 {run.name}。"))
            st.rerun()
