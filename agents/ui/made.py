"""What asking a chat again has made, for the panel of jobs."""

from __future__ import annotations

from agents.ui.opening import PAGE
from workbench.jobs.job import Job
from workbench.ui.made import Made
from workbench.ui.session import told


def made_by_replay(job: Job) -> Made:
    """How many answers changed, and the chat with the new ones."""
    last = job.last()
    return Made(told(last.get("summary", "")), PAGE, query={"chat": str(last.get("chat", ""))})
