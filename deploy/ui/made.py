"""What a publish has made, for the panel of jobs."""

from __future__ import annotations

from pathlib import Path

from workbench.jobs.job import Job
from workbench.ui.made import Made
from workbench.ui.session import both

PAGE = "deploy/ui/models.py"


def made_by_publish(job: Job) -> Made:
    """The Ollama model, or the file where Ollama was not asked."""
    last = job.last()
    model = last.get("model")
    if model:
        return Made(both(f"{model} is published.", f"已发布 {model}。"), PAGE)
    name = Path(last.get("gguf", "")).name
    return Made(both(f"{name} is written.", f"已生成 {name}。"), PAGE)
