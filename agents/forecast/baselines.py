"""What any forecast must beat: the value a season before, and exponential smoothing (ETS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.forecast.features import PURPOSE, Seen
from agents.forecast.rhythm import Rhythm
from workbench.extras import require

if TYPE_CHECKING:
    import numpy
    import pandas

    from agents.forecast.series import Series

ETS_GROUPS = 20  # more of them would take longer than all models
ETS_VALUES = 1_000  # the newest ones, for the same reason
LONGEST_SEASON = 24  # that ETS can learn


def seasonal_naive(seen: Seen, rows: numpy.ndarray) -> numpy.ndarray:
    """Shape (rows, steps): the value one season before each step, or the newest one."""
    import numpy

    return numpy.column_stack([seen.season(step)[rows] for step in range(seen.layout.horizon)])


def ets(series: Series, origins: list[pandas.Timestamp], horizon: int) -> pandas.DataFrame:
    """unique_id, begin, step and ets: forecasts of AutoETS (Hyndman et al. 2002) at each origin.

    Fitted once, before the first origin, and filtered on from there; on the largest groups and
    their newest values. A season of more than 24 steps is beyond it: there it has none.
    """
    import pandas

    require("statsforecast", "forecast", PURPOSE)
    found = []
    sizes = series.frame.groupby("unique_id")["y"].sum().abs().sort_values(ascending=False)
    for name in sizes.index[:ETS_GROUPS]:
        frame = series.frame[series.frame["unique_id"] == name]
        found += _of_group(str(name), frame, series.rhythm, origins, horizon)
    columns = ["unique_id", "begin", "step", "ets"]
    return pandas.DataFrame(found, columns=columns)


def _of_group(
    name: str,
    frame: pandas.DataFrame,
    rhythm: Rhythm,
    origins: list[pandas.Timestamp],
    horizon: int,
) -> list[tuple[str, pandas.Timestamp, int, float]]:
    from statsforecast.models import AutoETS

    season = rhythm.season if rhythm.season <= LONGEST_SEASON else 1
    values = frame["y"].to_numpy(dtype="float64")
    moments = frame["ds"]
    rows = []
    fitted = None
    for begin in origins:
        known = values[(moments < begin).to_numpy()]
        if len(known) < 2 * season + 5 or moments.iloc[-1] < begin:
            continue
        known = known[-ETS_VALUES:]
        if fitted is None:
            model = "AZA" if season > 1 else "AZN"
            fitted = AutoETS(season_length=season, model=model).fit(known)
            forecast = fitted.predict(horizon)["mean"]
        else:
            forecast = fitted.forward(known, horizon)["mean"]
        rows += [(name, begin, step + 1, float(forecast[step])) for step in range(horizon)]
    return rows
