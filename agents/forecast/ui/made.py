"""What a fitted forecast is to the panel of jobs: a sentence, and the page with it selected."""

from __future__ import annotations

from workbench.jobs.job import Job
from workbench.ui.made import Made
from workbench.ui.session import both

PAGE = "agents/forecast/ui/forecasts.py"
SHOWN = "shown_forecast"  # the selector of a forecast
VIEW = "forecast_view"


def made_by_fit(job: Job) -> Made | None:
    """The forecast."""
    last = job.last()
    if "version" not in last:
        return None
    name = last["name"]
    text = both(f"The forecast {name} is ready.", f"预测 {name} 已就绪。")
    return Made(text, PAGE, {VIEW: "kept", SHOWN: name})
