"""A job that failed or was broken off -> why, and what to do: never nothing."""

from __future__ import annotations

import signal

from workbench.jobs.job import Job
from workbench.messages import say

LINES = 3  # of the log, the newest
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  # as Python tells it, and as a shell does


def why_ended(job: Job) -> tuple[str, str]:
    """(problem, fix): the command's own words, else what its exit status and its log say."""
    last = job.last()
    told = last if last.get("problem") else _only_failure(last)
    if told.get("problem"):
        return told["problem"], told.get("fix", "")
    if last.get("summary"):
        return last["summary"], "Its page says why, for each file."
    status = job.exit_status
    if status is None:
        return (
            "Its process was ended from outside before it was done: by a restart of the machine, "
            "or by a person.",
            "Resume it: it goes on where it stopped.",
        )
    if status in KILLED:
        return (
            "The system ended it, most often because memory ran out.",
            "Free memory, or choose a smaller model, batch or length, and try again.",
        )
    lines = job.log(LINES).strip()
    fix = say("Its whole log: workbench jobs log {id}", id=job.id)
    if lines:
        return say("It ended with exit status {status}: {lines}", status=status, lines=lines), fix
    return say("It ended with exit status {status} and wrote nothing.", status=status), fix


def _only_failure(last: dict) -> dict:
    """A command of many files names what failed in a list; one alone speaks for all."""
    failed = last.get("failed")
    return failed[0] if isinstance(failed, list) and len(failed) == 1 else {}
