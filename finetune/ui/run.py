"""Pieces of the Training page: the runs, and one of them with its curve, samples, log, and what can be done with it."""

from __future__ import annotations

import json
import shutil
from typing import Any

import streamlit as st

from finetune.run.metrics import read_metrics, smooth
from finetune.run.run_state import RunNow, runs_now
from workbench.jobs.job import start
from workbench.settings import Settings
from workbench.ui.widgets import both, cancel_button, choices, plain, show_error

CHAT = "agents/ui/chat.py"
POINTS = 1000  # of a curve that are drawn
STATES = {
    "running": ("running", "训练中", "blue"),
    "done": ("finished", "已完成", "green"),
    "cancelled": ("cancelled", "已取消", "gray"),
    "failed": ("failed", "失败", "red"),
    "interrupted": ("interrupted", "已中断", "orange"),
}
TRAIN, SMOOTHED, HELD_OUT = (
    ("train, raw", "训练（原始）"),
    ("train, smoothed", "训练（平滑）"),
    ("held out", "留出集"),
)


def show_runs(settings: Settings, runs: list[RunNow]) -> None:
    """A table of all runs, and the chosen one in full; it redraws itself while it is trained."""
    names = [now.run.name for now in runs]
    if opened := st.session_state.pop("open_run", ""):
        st.session_state["shown_run"] = opened
    if st.session_state.get("shown_run") not in names:
        st.session_state.pop("shown_run", None)
    states = {now.run.name: both(*STATES[now.state][:2]) for now in runs}
    name = st.selectbox(
        both("Run", "训练"),
        names,
        format_func=lambda name: f"{name} · {states[name]}",
        key="shown_run",
    )
    chosen = next(now for now in runs if now.run.name == name)
    if chosen.state == "running":
        st.fragment(_watch, run_every=2.0)(settings, name)
    else:
        _show_run(settings, chosen)
    if len(runs) > 1:
        st.subheader(both("All runs", "全部训练"))
        st.dataframe([_facts(now) for now in runs], hide_index=True)


def _watch(settings: Settings, name: str) -> None:
    now = next((now for now in runs_now(settings) if now.run.name == name), None)
    if not now or now.state != "running":
        st.rerun()
    else:
        _show_run(settings, now)


def _facts(now: RunNow) -> dict[str, Any]:
    card = now.run.card
    step, steps, _ = now.progress()
    return {
        both("Run", "训练"): now.run.name,
        both("State", "状态"): both(*STATES[now.state][:2]),
        both("Steps", "步数"): f"{step} / {steps or '?'}",
        both("Loss", "损失"): card.get("loss"),
        both("Held out", "留出集损失"): card.get("eval_loss"),
        both("Base", "基础模型"): card.get("base"),
    }


def _show_run(settings: Settings, now: RunNow) -> None:
    with st.container(border=True, key="run"):
        english, chinese, colour = STATES[now.state]
        st.markdown(f"**{plain(now.run.name)}** :{colour}-badge[{both(english, chinese)}]")
        _show_progress(now)
        if now.state == "failed" and now.job:
            last = now.job.last()
            show_error(
                last.get("problem") or now.job.log(1) or both("No reason given.", "未说明原因。"),
                last.get("fix", ""),
            )
        _show_actions(settings, now)
        if spec := loss_chart(read_metrics(now.run.metrics)):
            st.vega_lite_chart(spec, width="stretch", key="loss")
        _show_scores(now.run.card.get("scores", {}))
        _show_samples(now)
        _show_log(now)


def _show_progress(now: RunNow) -> None:
    step, steps, left = now.progress()
    facts = [both(f"step {step} of {steps or '?'}", f"第 {step} / {steps or '?'} 步")]
    facts += [both(f"about {_duration(left)} left", f"约剩 {_duration(left)}")] if left else []
    facts += (
        [both(f"base {base}", f"基础模型 {base}")] if (base := now.run.card.get("base")) else []
    )
    text = plain(" · ".join(facts))
    if now.state == "running":
        st.progress(
            min(1.0, step / steps) if steps else 0.0,
            text if steps else both("Preparing…", "正在准备…"),
        )
    else:
        st.caption(text)


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _show_actions(settings: Settings, now: RunNow) -> None:
    run = now.run
    with st.container(horizontal=True):
        if now.state != "running" and (run.adapter / "adapter_config.json").exists():
            _chat_button(run.name)
        if now.state == "running":
            if now.job:
                cancel_button(now.job, both("Cancel", "取消"), "cancel_run")
            return
        if now.state != "done" and st.button(
            both("Resume", "继续训练"), icon=":material/resume:", key="resume_run"
        ):
            title = both(f"Training {run.name}", f"正在训练 {run.name}")
            start(settings, title, ["finetune", "train", run.name, "--resume", "--json"])
            st.rerun()
        with st.popover(both("Delete", "删除"), icon=":material/delete:"):
            st.markdown(
                both(
                    f"Delete the run {plain(run.name)} with its adapter and checkpoints?",
                    f"确定删除训练 {plain(run.name)} 及其适配器和检查点？",
                )
            )
            if st.button(both("Delete it", "确定删除"), type="primary", key="delete_run"):
                shutil.rmtree(run.folder, ignore_errors=True)
                st.rerun()


def _chat_button(name: str) -> None:
    if st.button(
        both("Chat with it", "与它对话"), type="primary", icon=":material/chat:", key="chat_run"
    ):
        choices()["tuned"] = f"local:{name}"
        st.session_state.pop("tuned", None)  # the chat's own choice of before
        st.session_state["mode"] = "tuned"
        st.switch_page(CHAT)


def loss_chart(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Training loss raw and smoothed and held-out loss over the steps, as a Vega-Lite specification; None without any."""
    train = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    held_out = [(row["step"], row["eval_loss"]) for row in rows if "eval_loss" in row]
    if not train and not held_out:
        return None
    smoothed = list(
        zip([step for step, _ in train], smooth([loss for _, loss in train]), strict=True)
    )
    lines = ((TRAIN, train), (SMOOTHED, smoothed), (HELD_OUT, held_out))
    values = [
        {"step": step, "loss": loss, "line": both(*name)}
        for name, points in lines
        for step, loss in _thinned(points)
    ]
    axis = {"type": "quantitative"}
    colours = {
        "domain": [both(*name) for name, _ in lines],
        "range": ["#9db7d5", "#2f7fd6", "#d9733a"],
    }
    return {
        "data": {"values": values},
        "mark": {"type": "line", "clip": True, "point": len(values) < 60},
        "height": 280,
        "encoding": {
            "x": {"field": "step", "title": both("step", "步"), **axis},
            "y": {
                "field": "loss",
                "title": both("loss", "损失"),
                "scale": {"zero": False},
                **axis,
            },
            "color": {
                "field": "line",
                "type": "nominal",
                "title": None,
                "scale": colours,
                "legend": {"orient": "top"},
            },
        },
    }


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most so many points, the last among them."""
    apart = -(-len(points) // POINTS) or 1
    return points[::-apart][::-1]


def _show_scores(scores: dict[str, dict[str, Any]]) -> None:
    if not scores:
        return
    st.markdown(f"**{both('Scores', '评测结果')}**")
    rows = [
        {
            both("Data", "数据"): name,
            both("Questions", "问题数"): score.get("rows"),
            both("Exact", "完全一致"): score.get("exact"),
            both("Options right", "选项正确"): score.get("accuracy"),
            both("Also taught", "训练集中出现过"): score.get("overlap"),
        }
        for name, score in scores.items()
    ]
    told = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    st.dataframe([{name: row[name] for name in told} for row in rows], hide_index=True)


def _show_samples(now: RunNow) -> None:
    """What the model answered at its last checkpoint, beside what it should have."""
    rows = read_metrics(now.run.folder / "samples.jsonl")
    if not rows:
        return
    last = rows[-1]["step"]
    with st.expander(
        both(f"What it answers at step {last}", f"第 {last} 步时的回答"),
        expanded=now.state == "running",
    ):
        shown = [
            {
                both("Question", "问题"): row["question"],
                both("Answer", "回答"): row["answer"],
                both("Expected", "期望"): row.get("reference"),
            }
            for row in rows
            if row["step"] == last
        ]
        st.dataframe(shown, hide_index=True)


def _show_log(now: RunNow) -> None:
    with st.expander(both("Log", "日志")):
        lines = (
            [json.dumps(event, ensure_ascii=False) for event in now.job.output()[-15:]]
            if now.job
            else []
        )
        path = now.run.folder / "log.txt"
        written = (
            now.job.log(30)
            if now.job
            else path.read_text("utf-8", "replace")[-4000:]
            if path.exists()
            else ""
        )
        st.code(
            "\n".join([written, *lines]).strip() or both("Nothing yet.", "暂无。"),
            language=None,
            wrap_lines=True,
        )
