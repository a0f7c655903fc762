"""A result -> the chart that fits it, as a Vega-Lite specification with its data, or None."""

from __future__ import annotations

from typing import Any

from agents.databases.figures import Columns, read_columns

BARS = 30  # more bars than this say nothing
POINTS = 5_000
LINES = 8  # groups that are still told apart by color


def chart(columns: list[str], rows: list[list[Any]]) -> dict[str, Any] | None:
    """A line over time, bars over labels, or points for two numbers; None where none fits."""
    if not 2 <= len(rows) <= POINTS:
        return None
    found = read_columns(columns, rows)
    if not found.numeric:
        return None
    if found.time is not None:
        return _line(found, found.time)
    if not found.labels:
        return _points(found) if len(found.numeric) > 1 else None
    if len(rows) <= BARS:
        return _bars(found)
    return None


def _line(found: Columns, time: str) -> dict[str, Any] | None:
    """A line for each value of the first label that has few of them, else one line."""
    import altair

    value = found.numeric[0]
    groups = [name for name in found.labels if 1 < found.frame[name].nunique() <= LINES]
    if not groups and not found.frame[time].is_unique:
        return None
    ordered = found.frame.sort_values(time, key=lambda column: column.map(str))
    data = []
    for _, row in ordered.iterrows():
        point = {"x": str(row[time]), "y": _plain(row[value])}
        if groups:
            point["series"] = str(row[groups[0]])
        data.append(point)
    encoding = [
        altair.X(field="x", type="ordinal", title=time, sort=None),
        altair.Y(field="y", type="quantitative", title=value),
        altair.Tooltip(field="x", type="nominal", title=time),
    ]
    if groups:
        encoding.append(altair.Color(field="series", type="nominal", title=groups[0]))
    line = altair.Chart(altair.Data(values=data)).mark_line(point=True)
    return _specification(line.encode(*encoding))


def _bars(found: Columns) -> dict[str, Any] | None:
    """Lying bars, so that long labels can be read; none where a label stands twice."""
    import altair

    label = found.labels[0]
    value = found.numeric[0]
    if not found.frame[label].is_unique:
        return None
    data = [{"x": str(row[label]), "y": _plain(row[value])} for _, row in found.frame.iterrows()]
    bars = altair.Chart(altair.Data(values=data)).mark_bar()
    across = altair.X(field="y", type="quantitative", title=value)
    return _specification(
        bars.encode(altair.Y(field="x", type="nominal", title=label, sort="-x"), across)
    )


def _points(found: Columns) -> dict[str, Any]:
    import altair

    across, up = found.numeric[:2]
    data = [{"x": _plain(row[across]), "y": _plain(row[up])} for _, row in found.frame.iterrows()]
    points = altair.Chart(altair.Data(values=data)).mark_point()
    return _specification(
        points.encode(
            altair.X(field="x", type="quantitative", title=across),
            altair.Y(field="y", type="quantitative", title=up),
        )
    )


def _plain(value: Any) -> float | None:
    """A number as JSON has it: NaN becomes null."""
    number = float(value)
    return None if number != number else number


def _specification(drawn: Any) -> dict[str, Any]:
    return {**drawn.to_dict(), "width": "container"}
