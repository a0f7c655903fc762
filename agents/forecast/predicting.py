"""A kept forecast and the newest values -> the next steps, with a band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.forecast.baselines import seasonal_naive
from agents.forecast.features import check_known, see
from agents.forecast.places import Place, read_place
from agents.forecast.series import Series, read_series
from agents.forecast.shelf import Kept
from workbench.errors import NotFound
from workbench.settings import Settings

if TYPE_CHECKING:
    import pandas

COLUMNS = ("group", "time", "step", "forecast", "lower", "upper", "naive")


@dataclass(frozen=True)
class Prediction:
    """`table` has the COLUMNS; `series` is what it was made from.

    `kept` says why the values of the day of fitting were used, empty for the newest ones.
    """

    table: pandas.DataFrame
    series: Series
    kept: str = ""

    def rows(self) -> list[list[Any]]:
        """The rows as JSON has them."""
        return [[_plain(value) for value in row] for row in self.table.itertuples(index=False)]


def predict(
    forecast: Kept, settings: Settings, place: Place | None = None, steps: int = 0
) -> Prediction:
    """Forecast from the table as it is now; from the kept values where its place is gone.

    `place` is another table of the same columns. Raises InvalidInput or what reading raises.
    """
    kept = ""
    try:
        table = read_place(place or forecast.place, settings, _columns(forecast))
        series = read_series(table, forecast.wanted)
    except NotFound as error:
        if place is not None:
            raise
        series, kept = forecast.history(), error.problem
    return predict_series(forecast, series, steps, kept)


def predict_kept(forecast: Kept, steps: int = 0) -> Prediction:
    """Forecast from the values of the day of fitting."""
    return predict_series(forecast, forecast.history(), steps)


def predict_series(forecast: Kept, series: Series, steps: int = 0, kept: str = "") -> Prediction:
    """The same from series. Groups that were too short when it was fitted have no rows."""
    import numpy
    import pandas

    layout = forecast.layout
    sizes = forecast.card["sizes"]
    known = series.frame[series.frame["unique_id"].isin(sizes)]
    if known.empty:
        raise NotFound(
            "None of the groups that the forecast knows are in the table.",
            "Fit it again on this table.",
        )
    recent = known.groupby("unique_id").tail(layout.reach + 1).reset_index(drop=True)
    seen = see(Series(recent, series.ahead, layout.rhythm, series.wanted), layout)
    check_known(seen)
    models = forecast.models()
    rows = seen.last
    middle = models.forecast(seen, rows)
    names = seen.rows["unique_id"].iloc[rows]
    size = names.map(sizes).to_numpy(dtype="float64")
    lower = upper = numpy.full(middle.shape, numpy.nan)
    band = forecast.band
    if band is not None:
        lower, upper = band.around(middle, size)
    floor = forecast.card.get("floor")
    if floor is not None:
        middle, lower, upper = (numpy.maximum(part, floor) for part in (middle, lower, upper))
    count = min(steps or layout.horizon, layout.horizon)
    moments = numpy.column_stack([seen.moments(step)[rows] for step in range(count)])
    table = pandas.DataFrame(
        {
            "group": numpy.repeat(names.to_numpy(), count),
            "time": moments.ravel(),
            "step": numpy.tile(numpy.arange(1, count + 1), len(rows)),
            "forecast": middle[:, :count].ravel(),
            "lower": lower[:, :count].ravel(),
            "upper": upper[:, :count].ravel(),
            "naive": seasonal_naive(seen, rows)[:, :count].ravel(),
        }
    )
    return Prediction(table, Series(known, series.ahead, layout.rhythm, series.wanted), kept)


def _columns(forecast: Kept) -> Sequence[str]:
    wanted = forecast.wanted
    if not (wanted.time and wanted.target):
        return ()
    columns = [*wanted.time.split("+"), wanted.target, *wanted.group]
    return [*columns, *wanted.known, *wanted.unknown]


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat(sep=" ")
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return None if value != value else round(value, 6)
    return value
