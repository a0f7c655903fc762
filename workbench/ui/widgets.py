"""Shared Streamlit pieces: the language of the page, its settings, errors, and the panel of background jobs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.jobs.job import Job, list_jobs, start
from workbench.language import localized
from workbench.settings import Settings, load_settings
from workbench.ui.translation import in_chinese

SAVES_WITHIN = 600  # seconds that a cancelled job may take to save before it is ended hard
SHOWN_AFTER = 20  # seconds that a finished job stays in the panel


def page_settings() -> Settings:
    """Settings of this session: the person's choices in the sidebar over environment and file."""
    return load_settings().model_copy(update=choices())


def begin_page(title: str) -> Settings:
    """What every page but the chat begins with: running jobs and the language at its side, its title; its settings."""
    settings = page_settings()
    translate_uploader()
    with st.sidebar:
        show_jobs(settings)
        language_switch()
    st.title(title)
    return settings


def choices() -> dict[str, Any]:
    """What the person has chosen on the page: fields of Settings."""
    return st.session_state.setdefault("choices", {})


def language() -> str:
    """`en` or `zh`: what the person chose, else the settings, else the browser's language."""
    chosen = st.session_state.get("language") or load_settings().language
    if chosen in ("en", "zh"):
        return chosen
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def both(english: str, chinese: str) -> str:
    """The text in the page's language. Both stand side by side, so neither can be missing."""
    return localized(language(), english, chinese)


def language_switch() -> None:
    """The two languages, each in its own script."""
    names = {"en": "English", "zh": "中文"}
    st.segmented_control(
        both("Language", "语言"),
        list(names),
        format_func=names.__getitem__,
        default=language(),
        key="language_switch",
        label_visibility="collapsed",
        on_change=_switch_language,
    )


def _switch_language() -> None:
    st.session_state["language"] = st.session_state["language_switch"] or language()


def translate_uploader() -> None:
    """Streamlit's upload field speaks English only; on a Chinese page its two texts are replaced."""
    if language() == "zh":
        st.html(
            "<style>[data-testid=stFileUploaderDropzone] button p, [data-testid=stFileUploaderDropzone] button div"
            "{font-size:0} [data-testid=stFileUploaderDropzone] button p::after{content:'选择文件';font-size:1rem}"
            "[data-testid=stFileUploaderDropzoneInstructions]{display:none}</style>"
        )


@contextmanager
def shows_errors() -> Iterator[None]:
    """A WorkbenchError inside becomes a box with the problem and the fix."""
    try:
        yield
    except WorkbenchError as error:
        show_error(error.problem, error.fix)


def told(text: str) -> str:
    """An error's sentence in the page's language."""
    return in_chinese(text) if language() == "zh" else text


def show_error(problem: str, fix: str) -> None:
    problem, fix = told(problem), told(fix)
    st.error(
        f"{plain(problem)}\n\n{plain(fix)}" if fix else plain(problem), icon=":material/error:"
    )


def plain(text: str) -> str:
    """Text from elsewhere as it stands: no Markdown, no HTML, no formula, no picture."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$~:])", r"\\\1", text)


def place_name(locator: str) -> str:
    """A locator in the page's language: its page and line are words, the rest is the document's own."""
    if language() == "en":
        return locator
    return re.sub(r"\bline (\d+)$", r"第 \1 行", re.sub(r"^p\. (\d+)", r"第 \1 页", locator))


def show_jobs(settings: Settings) -> None:
    """Running jobs with progress and Cancel, and those that just ended; redraws itself only while one is running."""
    jobs = [job for job in list_jobs(settings)[:20] if job.state == "running" or _just_ended(job)]
    if jobs:
        st.fragment(_jobs, run_every=1.0)(settings)


def _jobs(settings: Settings) -> None:
    jobs = [job for job in list_jobs(settings)[:20] if job.state == "running" or _just_ended(job)]
    running = {job.id for job in jobs if job.state == "running"}
    before, st.session_state["running_jobs"] = st.session_state.get("running_jobs", set()), running
    if not jobs or before - running:  # the page shows what the job has changed
        st.rerun()
    for job in jobs:
        show_job(job)


def offer_example_model(settings: Settings) -> bool:
    """The button that tunes the example, or that it is being tuned; whether it was pressed now."""
    if any(job.command[0] == "demo" and job.state == "running" for job in list_jobs(settings)):
        st.caption(
            both(
                "It is being taught; its progress is shown at the side.",
                "正在训练，进度显示在侧边栏。",
            )
        )
        return False
    pressed = st.button(
        both("Try the example", "试试示例"),
        type="primary",
        icon=":material/play_arrow:",
        key="demo",
    )
    st.caption(
        both(
            "A small base is made on this machine and taught a crew of made-up people: about a minute, no download.",
            "在本机生成一个小型基础模型，教它认识一组虚构人物：约一分钟，无需下载。",
        )
    )
    if pressed:
        start(settings, both("Training the example", "正在训练示例"), ["demo", "--json"])
    return pressed


def show_job(job: Job) -> None:
    """One job: its title, how far it is, and what can be done about it."""
    state, last = job.state, job.last()
    with st.container(border=True, key=f"job-{job.id}"):
        title, action = st.columns([4, 1], vertical_alignment="center")
        title.markdown(f"**{plain(job.title)}**")
        if state == "running":
            share, text = progress_of(job)
            st.progress(share, text)
            with action:
                cancel_button(
                    job, "", f"cancel-{job.id}", help=both("Cancel", "取消"), type="tertiary"
                )
        elif state == "done":
            st.caption(f":material/check: {both('Done', '已完成')}")
        elif state == "cancelled":
            st.caption(
                both("Cancelled; what was finished is kept.", "已取消，已完成的部分会保留。")
            )
        else:
            show_error(last.get("problem") or _last_line(job), last.get("fix", ""))
            if st.button(both("Try again", "重试"), key=f"resume-{job.id}"):
                job.resume()
                st.rerun()


def cancel_button(job: Job, label: str, key: str, **options: Any) -> None:
    """Asks the job to stop and lets it save in its own time; the page does not wait for it."""
    if job.cancelling:
        st.caption(both("Cancelling…", "正在取消…"))
    elif st.button(label, icon=":material/close:", key=key, **options):
        Thread(target=job.cancel, args=(SAVES_WITHIN,), daemon=True).start()
        st.rerun()


def progress_of(job: Job) -> tuple[float, str]:
    """(share done, what it is doing) from the job's newest progress line."""
    last: dict[str, Any] = next((event for event in reversed(job.output()) if "done" in event), {})
    if job.last().get("event") == "calibrating":
        return 1.0, both("Learning how to weigh words and meaning…", "正在校准关键词与语义的权重…")
    if job.last().get("event") == "waiting":
        return 0.0, both("Waiting for another job…", "正在等待其他任务…")
    total = last.get("of") or last.get("files") or 0
    if not total:
        return 0.0, both("Starting…", "正在启动…")
    done = last["done"]
    seconds = last.get("seconds", 0)
    left = f"{seconds / done * (total - done):.0f}" if done and seconds > 3 else ""
    ahead = f" · {both(f'about {left} s left', f'约剩 {left} 秒')}" if left else ""
    return min(1.0, done / total), f"{last['done']} / {total}{ahead}"


def _just_ended(job: Job) -> bool:
    path = job.folder / "exit"
    return path.exists() and time.time() - path.stat().st_mtime < SHOWN_AFTER


def _last_line(job: Job) -> str:
    return (
        job.log(1) or both("The job ended without saying why.", "任务未说明原因即结束。")
    ).strip()
