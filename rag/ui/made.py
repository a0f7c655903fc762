"""What reading files or another embedder has made, for the panel of jobs."""

from __future__ import annotations

from rag.ui.jobs import collection_read_by
from workbench.jobs.job import Job
from workbench.ui.made import Made
from workbench.ui.session import both, told

PAGE = "rag/ui/knowledge.py"
COLLECTION = "shown_collection"  # the selector of the page
HIDDEN = "."  # how the name of a chat's own collection begins


def made_by_ingest(job: Job) -> Made:
    """How many files were read, and the collection that they are in."""
    name = collection_read_by(job)
    summary = told(job.last().get("summary", "")) or both("The files are read.", "文件已读取。")
    if not name or name.startswith(HIDDEN):
        return Made(summary)
    return Made(summary, PAGE, {COLLECTION: name})


def made_by_reindex(job: Job) -> Made:
    """The collection, and the embedder that it has now."""
    last = job.last()
    name, embedder = last.get("collection", ""), last.get("embedder", "")
    summary = both(f"{name} now uses {embedder}.", f"{name} 现在使用 {embedder}。")
    if not name or name.startswith(HIDDEN):
        return Made(summary)
    return Made(summary, PAGE, {COLLECTION: name})
