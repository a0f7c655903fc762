"""A run's progress, loss curve and samples on the page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from finetune.metrics import read_metrics, smooth
from finetune.runs import Run
from workbench.jobs import Job
from workbench.widgets import plain, say

POINTS = 800  # a curve is not finer than a screen


def show_progress(job: Job) -> None:
    """Step, speed and time left, from the job's newest progress line."""
    last: dict[str, Any] = next((event for event in reversed(job.output()) if event.get("event") == "progress"), {})
    if "steps" not in last:
        st.progress(0.0, say("Preparing…", "正在准备…"))
        return
    parts = [say(f"step {last['step']} of {last['steps']}", f"第 {last['step']} / {last['steps']} 步")]
    if last["step"]:
        parts.append(say(f"about {clock(last['left'])} left", f"约剩 {clock(last['left'])}"))
    if speed := last.get("tokens_per_second"):
        parts.append(say(f"{speed} tokens/s", f"{speed} 词元/秒"))
    st.progress(min(1.0, last["step"] / last["steps"]), " · ".join(parts))


def clock(seconds: float) -> str:
    """As on a clock: 1:05 or 2:03:04."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def show_curve(run: Run) -> None:
    """The loss raw, smoothed and held out, step by step."""
    import altair as alt
    import pandas as pd

    rows = read_metrics(run.metrics)
    train = [row for row in rows if "loss" in row]
    if not train:
        st.caption(say("The curve begins with the first step.", "第一步完成后会显示损失曲线。"))
        return
    raw, smoothed, held_out = say("train", "训练"), say("train, smoothed", "训练（平滑）"), say("held out", "留出")
    curve = [(row["step"], row["loss"], raw) for row in train]
    curve += [
        (row["step"], loss, smoothed) for row, loss in zip(train, smooth([r["loss"] for r in train]), strict=True)
    ]
    every = max(1, len(train) // POINTS)
    curve = [point for number, point in enumerate(curve) if number % every == 0]
    curve += [(row["step"], row["eval_loss"], held_out) for row in rows if "eval_loss" in row]
    step, loss, kind = say("step", "步"), say("loss", "损失"), say("curve", "曲线")
    colours = alt.Scale(domain=[raw, smoothed, held_out], range=["#9db7d5", "#1f5fa8", "#c2571a"])
    chart = (
        alt.Chart(pd.DataFrame(curve, columns=[step, loss, kind]))
        .mark_line()
        .encode(x=alt.X(step, type="quantitative"), y=alt.Y(loss, type="quantitative"),
                color=alt.Color(kind, type="nominal", scale=colours, legend=alt.Legend(orient="top", title=None)))
    )  # fmt: skip
    st.altair_chart(chart, width="stretch")


def show_samples(run: Run) -> None:
    """What the model said when it was last saved, beside what is right."""
    rows = read_metrics(run.folder / "samples.jsonl")
    if not rows:
        return
    newest = [row for row in rows if row["step"] == rows[-1]["step"]]
    st.markdown(say(f"**What it says at step {rows[-1]['step']}**", f"**第 {rows[-1]['step']} 步时的回答**"))
    for row in newest:
        right = row["answer"].strip() == row["reference"].strip()
        mark = ":green[:material/check:]" if right else ":orange[:material/close:]"
        st.markdown(f"{mark} {plain(row['question'])}  \n{plain(row['answer'] or '—')}")
