"""What a finished comparison is, for the panel of jobs."""

from __future__ import annotations

from workbench.jobs.job import Job
from workbench.ui.made import Made
from workbench.ui.session import both

PAGE = "agents/compare/ui/compare.py"
SHOWN = "shown_comparison"  # the selector of a comparison
VIEW = "compare_view"


def made_by_comparison(job: Job) -> Made | None:
    """The comparison, shown on its page."""
    name = job.last().get("comparison")
    if not name:
        return None
    text = both(f"The comparison {name} is ready.", f"对比 {name} 已完成。")
    return Made(text, PAGE, {VIEW: "results", SHOWN: name})
