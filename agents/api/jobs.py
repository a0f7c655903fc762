"""`/v1/jobs`: background jobs, listed, looked at, cancelled."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel

from agents.api.access import Needs, NeedsRole, Workspace
from agents.api.problems import PROBLEMS
from workbench.jobs.job import Job, find_job, list_jobs

LISTED = 200
JobId = Annotated[str, Path(pattern=r"^[\w-]{1,64}$")]
router = APIRouter(
    prefix="/v1/jobs",
    tags=["jobs"],
    responses=PROBLEMS,
    dependencies=[Depends(Needs("jobs"))],
)


class JobFacts(BaseModel):
    """A job. `last` is the newest line of its progress, at the end its result."""

    id: str
    title: str
    state: str
    started: float
    last: dict[str, Any]


class Jobs(BaseModel):
    """The newest ones."""

    data: list[JobFacts]


@router.get("")
def jobs(settings: Workspace) -> Jobs:
    """The newest 200 jobs, the newest first."""
    return Jobs(data=[facts_of(job) for job in list_jobs(settings)[:LISTED]])


@router.get("/{job}")
def job(job: JobId, settings: Workspace) -> JobFacts:
    """How a job fares."""
    return facts_of(find_job(settings, job))


@router.post("/{job}/cancel", dependencies=[Depends(NeedsRole("editor"))])
def cancel(job: JobId, settings: Workspace) -> JobFacts:
    """Ask a job to stop; it is killed where it does not."""
    found = find_job(settings, job)
    found.cancel()
    return facts_of(found)


def facts_of(job: Job) -> JobFacts:
    """What others may know of a job."""
    return JobFacts(
        id=job.id, title=job.title, state=job.state, started=job.started, last=job.last()
    )
