"""What a finished step of the loop has made, for the panel of jobs."""

from __future__ import annotations

from workbench.jobs.job import Job
from workbench.ui.made import Made
from workbench.ui.session import both

PAGE = "agents/loop/ui/improve.py"
# state of a batch -> what a person reads of it, and the colour of its badge
STATES = {
    "frozen": (("frozen", "已冻结"), "gray"),
    "trained": (("trained", "已训练"), "blue"),
    "better": (("better", "更好"), "green"),
    "kept out": (("kept out", "未采用"), "orange"),
    "published": (("published", "已发布"), "green"),
    "promoted": (("in use", "使用中"), "green"),
}


def state_words(state: str) -> str:
    """The state in the page's language."""
    words, _ = STATES.get(state, ((state, state), "gray"))
    return both(*words)


def made_by_next(job: Job) -> Made | None:
    """The batch and how far it is now."""
    last = job.last()
    if "batch" not in last:
        return None
    name, state = last["batch"], state_words(last["state"])
    return Made(both(f"{name} is now: {state}.", f"{name} 的状态：{state}。"), PAGE)
