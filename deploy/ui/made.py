"""What the jobs of this package have made, for the panel of jobs."""

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


def made_by_speed_up(job: Job) -> Made:
    """Whether OpenVINO runs the model from now on."""
    model = job.command[2]
    if job.last().get("equal"):
        return Made(both(f"{model} answers faster now.", f"{model} 现在回答更快。"), PAGE)
    text = both(
        f"{model} would answer differently, so it runs as before.",
        f"加速后 {model} 的回答会不同，因此仍按原方式运行。",
    )
    return Made(text, PAGE)
