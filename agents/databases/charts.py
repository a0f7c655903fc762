"""A result -> the chart that fits it, as a Vega-Lite specification with its data inside, or nothing."""

from __future__ import annotations

from typing import Any

from agents.databases.figures import Columns, read_columns

BARS = 30  # more bars than this say nothing
POINTS = 5_000


def chart(columns: list[str], rows: list[list[Any]]) -> dict[str, Any] | None:
    """A line over time, bars over labels, or points for two numbers; None where none of them fits."""
    if len(rows) < 2 or len(rows) > POINTS:
        return None
    found = read_columns(columns, rows)
    if not found.numeric:
        return None
    if found.time is not None:
        return _line(found)
    if found.labels and len(rows) <= BARS:
        return _bars(found)
    return _points(found) if len(found.numeric) > 1 and not found.labels else None


def _line(found: Columns) -> dict[str, Any] | None:
    import altair

    time, value = found.time, found.numeric[0]
    assert time is not None
    groups = [name for name in found.labels if 1 < found.frame[name].nunique() <= 8]
    if not groups and not found.frame[time].is_unique:
        return None
    data = [
        {"x": str(row[time]), "y": _plain(row[value])}
        | ({"series": str(row[groups[0]])} if groups else {})
        for _, row in found.frame.sort_values(time, key=lambda column: column.map(str)).iterrows()
    ]
    encoding = [
        altair.X(field="x", type="ordinal", title=time, sort=None),
        altair.Y(field="y", type="quantitative", title=value),
        altair.Tooltip(field="x", type="nominal", title=time),
    ]
    if groups:
        encoding.append(altair.Color(field="series", type="nominal", title=groups[0]))
    return _specification(
        altair.Chart(altair.Data(values=data)).mark_line(point=True).encode(*encoding)
    )


def _bars(found: Columns) -> dict[str, Any] | None:
    import altair

    label, value = found.labels[0], found.numeric[0]
    if not found.frame[label].is_unique:
        return None
    data = [{"x": str(row[label]), "y": _plain(row[value])} for _, row in found.frame.iterrows()]
    encoding = (
        altair.Y(field="x", type="nominal", title=label, sort="-x"),
        altair.X(field="y", type="quantitative", title=value),
    )
    return _specification(altair.Chart(altair.Data(values=data)).mark_bar().encode(*encoding))


def _points(found: Columns) -> dict[str, Any]:
    import altair

    across, up = found.numeric[:2]
    data = [{"x": _plain(row[across]), "y": _plain(row[up])} for _, row in found.frame.iterrows()]
    encoding = (
        altair.X(field="x", type="quantitative", title=across),
        altair.Y(field="y", type="quantitative", title=up),
    )
    return _specification(altair.Chart(altair.Data(values=data)).mark_point().encode(*encoding))


def _plain(value: Any) -> float | None:
    number = float(value)
    return None if number != number else number


def _specification(drawn: Any) -> dict[str, Any]:
    return {**drawn.to_dict(), "width": "container"}
