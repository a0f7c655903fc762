"""The jobs that read files into collections, or embed a collection again."""

from __future__ import annotations

import calendar
import time

from rag.store import Collection
from workbench.jobs.job import Job, list_jobs
from workbench.settings import Settings

LOOKED_AT = 50  # newest jobs


def collection_read_by(job: Job) -> str:
    """The name of the collection that the job reads files into; empty for another job."""
    if job.command[:2] != ["rag", "ingest"] or "--collection" not in job.command:
        return ""
    return job.command[job.command.index("--collection") + 1]


def arriving(settings: Settings) -> list[str]:
    """Names of collections that running jobs read into; some may be made only in a moment."""
    jobs = list_jobs(settings)[:LOOKED_AT]
    names = [collection_read_by(job) for job in jobs if job.state == "running"]
    # a dot in front hides a collection, as it hides a file
    return sorted({name for name in names if name and not name.startswith(".")})


def is_embedding_again(settings: Settings, name: str) -> bool:
    """Whether a running job gives the collection another embedder."""
    jobs = list_jobs(settings)[:LOOKED_AT]
    wanted = ["rag", "reindex", name]
    return any(job.command[:3] == wanted and job.state == "running" for job in jobs)


def last_reading(settings: Settings, collection: Collection) -> Job | None:
    """The newest job that has read into this collection and has ended."""
    for job in list_jobs(settings)[:LOOKED_AT]:
        if collection_read_by(job) != collection.name or job.state == "running":
            continue
        # one of the same name may have been deleted since
        return job if _ended_at(job) >= _seconds(collection.created) else None
    return None


def _ended_at(job: Job) -> float:
    path = job.folder / "exit"
    return path.stat().st_mtime if path.exists() else job.started


def _seconds(moment: str) -> float:
    """`YYYY-MM-DD HH:MM:SS` in UTC -> seconds since 1970."""
    return calendar.timegm(time.strptime(moment, "%Y-%m-%d %H:%M:%S"))
