"""The panel of background jobs: title, progress, Cancel, and how each ended."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

import streamlit as st

from workbench.jobs.job import Job, list_jobs, start
from workbench.progress import Progress, read_progress
from workbench.settings import Settings
from workbench.start.demo import COMMAND as DEMO
from workbench.ui.session import both, told
from workbench.ui.text import plain, show_error, shows_errors

SAVES_WITHIN = 600  # seconds that a cancelled job may take to save before it is ended hard
SHOWN_AFTER = 20  # seconds that a finished job stays in the panel
LOOKED_AT = 20  # newest jobs; older ones have long ended


def show_jobs(settings: Settings) -> None:
    """Running jobs, and those that just ended; redraws itself only while one is shown."""
    if _shown(settings):
        st.fragment(_panel, run_every=1.0)(settings)


def _panel(settings: Settings) -> None:
    jobs = _shown(settings)
    running = {job.id for job in jobs if job.state == "running"}
    before = st.session_state.get("running_jobs", set())
    st.session_state["running_jobs"] = running
    if not jobs or before - running:  # one has ended: the page shows what it has changed
        st.rerun()
    for job in jobs:
        show_job(job)


def _shown(settings: Settings) -> list[Job]:
    newest = list_jobs(settings)[:LOOKED_AT]
    return [job for job in newest if job.state == "running" or _just_ended(job)]


def show_job(job: Job) -> None:
    """One job: its title, how far it is, and what can be done about it."""
    state = job.state
    with st.container(border=True, key=f"job-{job.id}"):
        title, action = st.columns([4, 1], vertical_alignment="center")
        title.markdown(f"**{plain(job.title)}**")
        if state == "running":
            share, text = progress_of(job)
            st.progress(share, text)
            with action:
                help_text = both("Cancel", "取消")
                cancel_button(job, "", f"cancel-{job.id}", help=help_text, type="tertiary")
        elif state == "done":
            summary = plain(told(job.last().get("summary", ""))) or both("Done", "已完成")
            st.caption(f":material/check: {summary}")
        elif state == "cancelled":
            kept = both("Cancelled; what was finished is kept.", "已取消，已完成的部分会保留。")
            st.caption(kept)
        else:
            _show_failure(job)


def _show_failure(job: Job) -> None:
    last = job.last()
    problem = last.get("problem") or last.get("summary") or _last_line(job)
    show_error(problem, last.get("fix", ""))
    if st.button(both("Try again", "重试"), key=f"resume-{job.id}"):
        with shows_errors():
            job.resume()
            st.rerun()


def cancel_button(job: Job, label: str, key: str, **options: Any) -> None:
    """Asks the job to stop and lets it save in its own time; the page does not wait for it."""
    if job.cancelling:
        st.caption(both("Cancelling…", "正在取消…"))
    elif st.button(label, icon=":material/close:", key=key, **options):
        # a training saves its checkpoint first, which may take minutes
        Thread(target=job.cancel, args=(SAVES_WITHIN,), daemon=True).start()
        st.rerun()


def progress_of(job: Job) -> tuple[float, str]:
    """(share done, what it is doing) from the job's newest line of progress."""
    progress = _newest_progress(job)
    if progress is None:
        return 0.0, both("Starting…", "正在启动…")
    stage = plain(told(progress.stage))
    if not progress.of:
        return 0.0, f"{stage}…"
    text = f"{stage} · {progress.done:g} / {progress.of:g}"
    left = progress.seconds_left
    if left is not None:
        text += " · " + both(f"about {_in_words(left)} left", f"约剩 {_in_words(left)}")
    return progress.fraction, text


def offer_example_model(settings: Settings) -> bool:
    """The button that tunes the example, or that it is being tuned; whether it was pressed now."""
    jobs = list_jobs(settings)
    if any(job.command == DEMO and job.state == "running" for job in jobs):
        taught = both(
            "It is being taught; its progress is shown at the side.",
            "正在训练，进度显示在侧边栏。",
        )
        st.caption(taught)
        return False
    pressed = st.button(
        both("Try the example", "试试示例"),
        type="primary",
        icon=":material/play_arrow:",
        key="demo",
    )
    what_it_does = both(
        "A small base is made on this machine and taught a crew of made-up people: about a minute, "
        "no download.",
        "在本机生成一个小型基础模型，教它认识一组虚构人物：约一分钟，无需下载。",
    )
    st.caption(what_it_does)
    if pressed:
        start(settings, both("Training the example", "正在训练示例"), DEMO)
    return pressed


def _newest_progress(job: Job) -> Progress | None:
    for line in reversed(job.output()):
        progress = read_progress(line)
        if progress:
            return progress
    return None


def _in_words(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 100:
        return both(f"{seconds:.0f} s", f"{seconds:.0f} 秒")
    return both(f"{minutes} min", f"{minutes} 分钟")


def _just_ended(job: Job) -> bool:
    path = job.folder / "exit"
    return path.exists() and time.time() - path.stat().st_mtime < SHOWN_AFTER


def _last_line(job: Job) -> str:
    line = job.log(1).strip()
    return line or both("The job ended without a message.", "任务未说明原因即结束。")
