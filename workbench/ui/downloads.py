"""A model's download as a job of this session, so that its model is chosen when it has arrived."""

from __future__ import annotations

import streamlit as st

from workbench.jobs.job import Job, list_jobs, start
from workbench.settings import Settings
from workbench.ui.session import both

DOWNLOADS = "downloads"  # ids of the jobs, in the session's state
COMMAND = ["models", "pull", "--json", "--"]  # a name cannot pass for an option


def download(name: str, settings: Settings) -> None:
    """Start it; one of that name that runs already is joined, one that broke off goes on."""
    jobs = [job for job in list_jobs(settings) if job.command == [*COMMAND, name]]
    newest = jobs[0] if jobs else None
    if newest is None or newest.state == "done":
        shown = name.removeprefix("ollama:")
        newest = start(
            settings, both(f"Downloading {shown}", f"正在下载 {shown}"), [*COMMAND, name]
        )
    elif newest.state != "running":
        newest.resume()
    mine = st.session_state.setdefault(DOWNLOADS, [])
    if newest.id not in mine:
        mine.append(newest.id)


def is_download(job: Job) -> bool:
    """Whether the job downloads a model."""
    return job.command[: len(COMMAND)] == COMMAND
