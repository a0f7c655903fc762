"""A forecast -> Vega-Lite specifications with their data: history with band, and importance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.forecast.predicting import Prediction
from workbench.language import localized

GROUPS = 4  # that are drawn: more lines are not told apart
TIMES = 6  # as long as the forecast is the history before it
LEAST, MOST = 24, 120  # values of history


def history_and_band(
    found: Prediction, title: str, language: str, naive: bool = False
) -> dict[str, Any]:
    """The newest history, the forecast and its band; the largest groups where there are many."""
    import altair

    past, ahead = _points(found, language)
    short = found.series.rhythm.freq.endswith(("min", "h"))
    marks = altair.Axis(format="%m-%d %H:%M" if short else "%Y-%m-%d", labelOverlap=True)
    time = altair.X(field="time", type="temporal", title=None, axis=marks)
    color = altair.Color(
        field="group",
        type="nominal",
        title=None,
        legend=altair.Legend(
            orient="bottom", columns=2, labelLimit=90, symbolOpacity=1, symbolType="stroke"
        ),
    )
    if len({point["group"] for point in past}) < 2:
        color = altair.Color(field="group", type="nominal", legend=None)
    high = altair.Y(field="value", type="quantitative", title=title)
    known = altair.Chart(altair.Data(values=past)).mark_line().encode(time, high, color)
    data = altair.Data(values=ahead)
    band = altair.Chart(data).mark_area(opacity=0.25)
    band = band.encode(
        time,
        altair.Y(field="lower", type="quantitative", title=title),
        altair.Y2(field="upper"),
        color,
    )
    line = altair.Chart(data).mark_line(strokeDash=[5, 3], point=True)
    tips = [altair.Tooltip(field="time", type="temporal", format="%Y-%m-%d %H:%M")]
    for name in ("group", "value", "lower", "upper"):
        tips.append(altair.Tooltip(field=name, type="nominal", title=_label(name, language)))
    layers = [band, known, line.encode(time, high, color, tooltip=tips)]
    if naive:
        other = altair.Chart(data).mark_line(strokeDash=[1, 3], opacity=0.8)
        layers.append(
            other.encode(time, altair.Y(field="naive", type="quantitative", title=title), color)
        )
    return {**altair.layer(*layers).to_dict(), "width": "container"}


def importance(features: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Lying bars of the shares; `names` are the features' names for a person."""
    import altair

    rows = [
        {"feature": name, "share": feature["share"]}
        for name, feature in zip(names, features, strict=True)
    ]
    bars = altair.Chart(altair.Data(values=rows)).mark_bar()
    label = altair.Axis(labelLimit=220)
    drawn = bars.encode(
        altair.Y(field="feature", type="nominal", title=None, sort=None, axis=label),
        altair.X(field="share", type="quantitative", title=None, axis=altair.Axis(format="%")),
    )
    return {**drawn.to_dict(), "width": "container"}


def _points(found: Prediction, language: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(history, forecast) as data; the forecast begins where the history ends."""
    sums = found.table.groupby("group")["forecast"].sum().sort_values(ascending=False)
    chosen = list(sums.index[:GROUPS])
    steps = int(found.table["step"].max())
    length = min(MOST, max(LEAST, TIMES * steps))
    past, ahead = [], []
    for name in chosen:
        frame = found.series.frame
        tail = frame[frame["unique_id"] == name].tail(length)
        for row in tail.itertuples():
            past.append({"time": _iso(row.ds), "group": str(name), "value": _short(row.y)})
        last = past[-1]
        joint = {"lower": last["value"], "upper": last["value"], "naive": last["value"]}
        ahead.append(last | joint)
        for row in found.table[found.table["group"] == name].itertuples():
            point = {"time": _iso(row.time), "group": str(name), "value": _short(row.forecast)}
            for side in ("lower", "upper", "naive"):
                point[side] = _short(getattr(row, side))
            ahead.append(point)
    return past, ahead


def _label(name: str, language: str) -> str:
    labels = {
        "group": ("group", "分组"),
        "value": ("forecast", "预测"),
        "lower": ("lower", "下限"),
        "upper": ("upper", "上限"),
    }
    return localized(language, *labels[name])


def _iso(moment: Any) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _short(value: float) -> float | None:
    return None if value != value else float(f"{value:.6g}")
