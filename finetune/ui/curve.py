"""The lines of metrics.jsonl -> the loss curve as a Vega-Lite specification."""

from __future__ import annotations

from typing import Any

from finetune.run.metrics import Points, points_of, smooth
from workbench.ui.widgets import both

DRAWN = 1000  # points of a line
DOTTED_BELOW = 60  # points of all lines: with more, marks hide the lines
# name of the line, colour
TRAIN = (("train, raw", "训练（原始）"), "#9db7d5")
SMOOTHED = (("train, smoothed", "训练（平滑）"), "#2f7fd6")
HELD_OUT = (("held out", "留出集"), "#d9733a")


def loss_chart(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Training loss raw and smoothed, and held-out loss, over the steps; None without any."""
    train = points_of(rows, "loss")
    held_out = points_of(rows, "eval_loss")
    if not train and not held_out:
        return None
    averages = smooth([loss for _, loss in train])
    smoothed = [(step, average) for (step, _), average in zip(train, averages, strict=True)]
    lines = ((TRAIN, train), (SMOOTHED, smoothed), (HELD_OUT, held_out))
    values = []
    for (name, _), points in lines:
        for step, loss in _thinned(points):
            values.append({"step": step, "loss": loss, "line": both(*name)})
    return {
        "data": {"values": values},
        "mark": {"type": "line", "clip": True, "point": len(values) < DOTTED_BELOW},
        "height": 280,
        "encoding": {
            "x": {"field": "step", "type": "quantitative", "title": both("step", "步")},
            "y": {
                "field": "loss",
                "type": "quantitative",
                "title": both("loss", "损失"),
                "scale": {"zero": False},
            },
            "color": {
                "field": "line",
                "type": "nominal",
                "title": None,
                "scale": {
                    "domain": [both(*name) for (name, _), _ in lines],
                    "range": [colour for (_, colour), _ in lines],
                },
                "legend": {"orient": "top", "columns": 2},  # a telephone has no room for three
            },
        },
    }


def _thinned(points: Points) -> Points:
    """At most so many points, evenly apart, the last among them."""
    if len(points) <= DRAWN:
        return points
    apart = -(-len(points) // DRAWN)  # rounded up
    return points[::-apart][::-1]
