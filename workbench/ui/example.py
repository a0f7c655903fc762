"""The example that teaches a first model, started by one click from several pages."""

from __future__ import annotations

import os

import streamlit as st

from workbench.jobs.job import list_jobs, start
from workbench.settings import Settings
from workbench.start.demo import COMMAND as DEMO
from workbench.ui.beside import agreed
from workbench.ui.session import both


def offer_example_model(settings: Settings) -> bool:
    """The button that tunes the example, or that it is being tuned; whether it starts now."""
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
    st.caption(_what_it_does())
    after = agreed(settings, "demo", pressed)
    if after is None:
        return False
    start(settings, both("Training the example", "正在训练示例"), DEMO, after=after)
    return True


def _what_it_does() -> str:
    cores = os.cpu_count() or 1
    return both(
        "A small base is made on this machine and taught a crew of made-up people, a second one to "
        f"query the example database. No download; a few minutes on {cores:d} processor cores, "
        "and each stage says how long it still takes.",
        "在本机生成两个小型基础模型：一个认识一组虚构人物，一个学习查询示例数据库。无需下载；"
        f"在 {cores:d} 个处理器核心上需几分钟，每个阶段都会显示剩余时间。",
    )
