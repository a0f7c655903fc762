"""A job's command -> what its package says of such jobs."""

from __future__ import annotations

from workbench.contributions import JobKind, contributions
from workbench.jobs.job import Job

PLAIN = JobKind()


def kind_of(job: Job) -> JobKind:
    """By the first words of the command; the longest match counts."""
    best = 0
    found = PLAIN
    for contribution in contributions():
        for words, kind in contribution.jobs.items():
            first = words.split()
            if len(first) > best and job.command[: len(first)] == first:
                best = len(first)
                found = kind
    return found
