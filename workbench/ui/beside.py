"""Before long work starts while other work runs: say so; start anyway, wait in line, or leave it.

after = agreed(settings, "start_run", pressed)
if after is not None:
    start(settings, title, command, after=after)
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.jobs.job import Job, list_jobs
from workbench.jobs.kinds import kind_of
from workbench.settings import Settings
from workbench.ui.jobs import progress_of
from workbench.ui.session import both
from workbench.ui.text import plain

LOOKED_AT = 20  # newest jobs


def agreed(settings: Settings, key: str, wanted: bool) -> Sequence[Job] | None:
    """The jobs that the new one is to wait for; None where it is not, or not yet, to start.

    `wanted`: the person has just asked for the start. Where nothing else runs, that is enough.
    """
    asking = f"{key}_beside"
    running = heavy_jobs(settings)
    if wanted and not running:
        return ()
    if wanted:
        st.session_state[asking] = True
    if not st.session_state.get(asking):
        return None
    decided = _ask(running, key) if running else "now"
    if not decided:
        return None
    del st.session_state[asking]
    if decided == "leave":
        st.rerun()
    return running if decided == "queue" else ()


def heavy_jobs(settings: Settings) -> list[Job]:
    """The running jobs that take all of the machine, waiting ones too."""
    newest = list_jobs(settings)[:LOOKED_AT]
    return [job for job in newest if kind_of(job).heavy and job.state == "running"]


def _ask(running: Sequence[Job], key: str) -> str:
    """Draw what runs and the choices; returns `now`, `queue`, `leave`, or "" while undecided."""
    names = "  \n".join(f"**{plain(job.title)}** · {plain(progress_of(job)[1])}" for job in running)
    st.warning(
        both(
            f"Other work runs on this machine:  \n{names}  \n"
            "Both would share its processors and memory, and each would take longer.",
            f"本机正在运行其他任务：  \n{names}  \n同时运行会争用处理器和内存，两者都会变慢。",
        ),
        icon=":material/hourglass_top:",
    )
    choices = {
        "queue": (("Wait in line", "排队等待"), ":material/queue:"),
        "now": (("Start anyway", "仍然开始"), ":material/play_arrow:"),
        "leave": (("Not now", "暂不"), ":material/close:"),
    }
    decided = ""
    with st.container(horizontal=True, key=f"{key}_choices"):
        for choice, (label, icon) in choices.items():
            if st.button(both(*label), icon=icon, key=f"{key}_{choice}"):
                decided = choice
    return decided
