"""The panel of background jobs: title, progress, Cancel, and how each ended."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

import streamlit as st

from workbench.confined import may_change
from workbench.jobs.ending import why_ended
from workbench.jobs.job import Job, list_jobs
from workbench.jobs.kinds import kind_of
from workbench.progress import Progress, read_progress
from workbench.settings import Settings
from workbench.ui.made import made_by
from workbench.ui.session import both, default_settings, told
from workbench.ui.text import plain, shows_errors
from workbench.ui.times import in_words

SAVES_WITHIN = 600  # seconds that a cancelled job may take to save before it is ended hard
LOOKED_AT = 20  # newest jobs; older ones have long ended
# state -> seconds after its end that a job stays in the panel, unless it is put away before
STAYS = {"done": 600, "cancelled": 600, "failed": 86_400, "interrupted": 86_400}
FIRST = ("running", "failed", "interrupted", "done", "cancelled")


def show_jobs(settings: Settings) -> None:
    """Running jobs, and those that ended and were not put away; redraws itself while one runs."""
    jobs = _shown(settings)
    if any(job.state == "running" for job in jobs):
        st.fragment(_watch, run_every=1.0)(settings)
        return
    st.session_state["running_jobs"] = set()
    _show_all(jobs)


def _watch(settings: Settings) -> None:
    jobs = _shown(settings)
    running = {job.id for job in jobs if job.state == "running"}
    before = st.session_state.get("running_jobs", set())
    st.session_state["running_jobs"] = running
    if before - running:  # one has ended: the page shows what it has changed
        st.rerun()
    _show_all(jobs)


def _shown(settings: Settings) -> list[Job]:
    """What a person should see first comes first; of jobs of others a reader ends or opens none."""
    now = time.time()
    jobs = list_jobs(settings)
    if not may_change(settings):
        jobs = [job for job in jobs if job.mine]
    found = []
    for job in jobs[:LOOKED_AT]:
        state = job.state
        if state == "running" or (not job.seen and now - job.touched < STAYS[state]):
            found.append((FIRST.index(state), job))
    return [job for _, job in sorted(found, key=lambda row: row[0])]


def _show_all(jobs: list[Job]) -> None:
    """The first one, and the others folded."""
    for job in jobs[:1]:
        show_job(job)
    if len(jobs) < 2:
        return
    more = len(jobs) - 1
    plural = "s" if more > 1 else ""
    with st.expander(both(f"{more} more job{plural}", f"另有 {more} 个任务"), key="more_jobs"):
        for job in jobs[1:]:
            show_job(job)


def show_job(job: Job) -> None:
    """One job: its title, how far it is or how it ended, and what can be done about it."""
    state = job.state
    with st.container(border=True, key=f"job-{job.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
            st.markdown(f"**{plain(job.title)}**", width="stretch")
            if state == "running":
                cancel_button(job, "", f"cancel-{job.id}", type="tertiary")
            else:
                _put_away_button(job)
        if state == "running":
            st.progress(*progress_of(job))
        elif state == "done":
            _show_made(job)
        else:
            _show_end(job)


def _put_away_button(job: Job) -> None:
    pressed = st.button(
        "",
        icon=":material/close:",
        type="tertiary",
        key=f"put-away-{job.id}",
        help=both("Put away", "收起"),
        width="content",
    )
    if pressed:
        job.put_away()
        st.rerun()


def _show_made(job: Job) -> None:
    made = made_by(job)
    summary = made.text if made else told(job.last().get("summary", ""))
    text = plain(summary) or both("Done", "已完成")
    st.caption(f":material/check: {text}")
    if made is None or not made.page or not may_change(default_settings()):
        return  # a reader has the page Chat alone
    if st.button(both("Open", "打开"), icon=":material/open_in_new:", key=f"open-{job.id}"):
        job.put_away()
        made.open()


def _show_end(job: Job) -> None:
    """Of a job that was cancelled, has failed or was broken off; it can be run again."""
    again = both("Try again", "重试")
    if job.state == "cancelled":
        st.caption(both("Cancelled; what was finished is kept.", "已取消，已完成的部分会保留。"))
        again = both("Resume", "继续")
    else:
        problem, fix = (plain(told(text)) for text in why_ended(job))
        st.markdown(f":small[:red[{problem}]]")
        st.caption(fix)
    if st.button(again, icon=":material/resume:", key=f"resume-{job.id}"):
        with shows_errors():
            job.resume()
            st.rerun()


def cancel_button(job: Job, label: str, key: str, **options: Any) -> None:
    """Asks the job to stop and lets it save in its own time; the page does not wait for it.

    Where work is lost by it, the person is asked first.
    """
    if job.cancelling:
        st.caption(both("Cancelling…", "正在取消…"))
        return
    icon = ":material/close:"
    help_text = both("Cancel", "取消")
    loses = kind_of(job).loses
    if not loses:
        if st.button(label, icon=icon, key=key, help=help_text, **options):
            _cancel(job)
        return
    with st.popover(label, icon=icon, key=f"ask_{key}", help=help_text, **options):
        st.markdown(both(*loses))
        if st.button(both("Cancel it", "确定取消"), type="primary", key=key):
            _cancel(job)


def _cancel(job: Job) -> None:
    # a training saves its checkpoint first, which may take minutes
    Thread(target=job.cancel, args=(SAVES_WITHIN,), daemon=True).start()
    st.rerun()


def progress_of(job: Job) -> tuple[float, str]:
    """(share done of the whole job, what it is doing) from the job's newest line of progress."""
    if job.waiting:
        return 0.0, both("Waits in line", "排队等待")
    progress = _newest_progress(job)
    if progress is None:
        return 0.0, both("Starting…", "正在启动…")
    return progress.whole, progress_words(progress)


def progress_words(progress: Progress) -> str:
    """Stage 2 of 4: Training · 120 / 336 · about 2 min left."""
    stage = plain(told(progress.stage))
    if progress.stages > 1:
        number, stages = progress.number, progress.stages
        stage = both(
            f"Stage {number} of {stages}: {stage}", f"第 {number} / {stages} 阶段：{stage}"
        )
    left = progress.seconds_left
    if not progress.of and left is None:
        return f"{stage}…"
    parts = [stage]
    if progress.of > 1:
        parts.append(f"{progress.done:g} / {progress.of:g}")
    elif progress.of:
        parts.append(f"{progress.fraction:.0%}")
    if left is not None:
        parts.append(both(f"about {in_words(left)} left", f"约剩 {in_words(left)}"))
    return " · ".join(parts)


def _newest_progress(job: Job) -> Progress | None:
    for line in reversed(job.output()):
        progress = read_progress(line)
        if progress:
            return progress
    return None
