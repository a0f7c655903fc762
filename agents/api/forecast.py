"""`POST /forecast`: the newest rows of a series -> its next steps, by a kept forecast."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from agents.api.access import Needs, Workspace
from agents.api.asked import Strict
from agents.api.problems import PROBLEMS
from agents.forecast.places import MOST_ROWS
from agents.forecast.predicting import COLUMNS, Prediction, predict, predict_series
from agents.forecast.series import read_series
from agents.forecast.shelf import FIRST, Kept, find_forecast, list_forecasts
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

Cell = str | int | float | bool | None
EXAMPLE = {"time": "2025-01-01 10:00 - 11:00", "user": "u1", "material": "m1", "count": 12}
router = APIRouter(tags=["forecast"], responses=PROBLEMS)


class ForecastRequest(Strict):
    """Rows with the columns that the forecast was fitted on; without rows its own table is read."""

    forecast: str = Field("", description="its name; may be left out where only one is kept")
    version: int = Field(0, ge=0, le=1_000_000, description="0 is the current one")
    rows: list[dict[str, Cell]] | None = Field(None, max_length=MOST_ROWS, examples=[[EXAMPLE]])
    steps: int = Field(0, ge=0, le=10_000, description="fewer steps than it can; 0 is all")


class Step(BaseModel):
    """One moment of one group. `lower` and `upper` are null where no band is known."""

    group: str
    time: str
    step: int
    forecast: float | None
    lower: float | None
    upper: float | None
    naive: float | None


class Forecast(BaseModel):
    """The steps; `level` is the share of values that the band should hold. `kept` says why the
    values of the day of fitting were used."""

    forecast: str
    version: int
    steps: list[Step]
    level: float | None
    kept: str


@router.post("/forecast", dependencies=[Depends(Needs("forecast"))])
def forecast(asked: ForecastRequest, settings: Workspace) -> Forecast:
    """The next steps of every group."""
    kept = _find(asked, settings)
    found = _predict(kept, asked, settings)
    steps = [Step(**dict(zip(COLUMNS, row, strict=True))) for row in found.rows()]
    band = kept.band
    return Forecast(
        forecast=kept.name,
        version=kept.version,
        steps=steps,
        level=band.level if band else None,
        kept=found.kept,
    )


def _find(asked: ForecastRequest, settings: Settings) -> Kept:
    """The named forecast, or the only one. Raises NotFound, InvalidInput."""
    if asked.forecast:
        return find_forecast(settings, asked.forecast, asked.version)
    names = [kept.name for kept in list_forecasts(settings)]
    if not names:
        raise NotFound("There is no forecast yet.", FIRST)
    if len(names) > 1:
        raise InvalidInput(
            "It is not clear which forecast is meant.",
            say("Name one of: {names}.", names=", ".join(names)),
        )
    return find_forecast(settings, names[0], asked.version)


def _predict(kept: Kept, asked: ForecastRequest, settings: Settings) -> Prediction:
    if asked.rows is None:
        return predict(kept, settings, None, asked.steps)
    import pandas

    rows: list[dict[str, Any]] = asked.rows
    if not rows:
        raise InvalidInput("There are no rows.", "Send some, or leave rows out.")
    series = read_series(pandas.DataFrame(rows), kept.wanted)
    return predict_series(kept, series, asked.steps)
