"""Pieces of the Training page: samples and log of a run."""

from __future__ import annotations

import json

import streamlit as st

from finetune.run.metrics import read_metrics
from finetune.run.run_state import RunNow
from workbench.ui.widgets import both

ASKED = {
    "question": ("Question", "问题"),
    "answer": ("Answer", "回答"),
    "reference": ("Expected", "期望"),
}
GONE_ON = {
    "question": ("Opening", "开头"),
    "answer": ("Continuation", "续写"),
    "reference": ("The text itself", "原文"),
}
EVENTS = 15  # newest lines of the job's output
LOG_LINES = 30
LOG_CHARACTERS = 4000  # of a run without a job


def show_samples(now: RunNow) -> None:
    """What the model answered at its last checkpoint, beside what it should have."""
    rows = read_metrics(now.run.folder / "samples.jsonl")
    if not rows:
        return
    last = rows[-1]["step"]
    title = both(f"What it answers at step {last:d}", f"第 {last:d} 步时的回答")
    columns = ASKED if now.run.talks else GONE_ON
    if not now.run.talks:
        title = both(f"How it goes on at step {last:d}", f"第 {last:d} 步时的续写")
    with st.expander(title, expanded=now.state == "running"):
        shown = [
            {both(*title): row.get(key) for key, title in columns.items()}
            for row in rows
            if row["step"] == last
        ]
        st.dataframe(shown, hide_index=True)


def show_log(now: RunNow) -> None:
    with st.expander(both("Log", "日志")):
        text = log_of(now) or both("Nothing yet.", "暂无。")
        st.code(text, language=None, wrap_lines=True)


def log_of(now: RunNow) -> str:
    """The end of the job's log and of its output; without a job, of its log file."""
    if now.job:
        events = [json.dumps(event, ensure_ascii=False) for event in now.job.output()[-EVENTS:]]
        return "\n".join([now.job.log(LOG_LINES), *events]).strip()
    path = now.run.folder / "log.txt"
    if not path.exists():
        return ""
    return path.read_text("utf-8", "replace")[-LOG_CHARACTERS:].strip()
