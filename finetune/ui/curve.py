"""The lines of metrics.jsonl -> curves as Vega-Lite specifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.run.metrics import Points, points_of, smooth
from workbench.ui.widgets import both

HEIGHT = 280  # pixels, with the axis and the legend
DRAWN = 1000  # points of a line
DOTTED_BELOW = 60  # points of all lines: with more, marks hide the lines
# name of the line, colour
TRAIN = (("train, raw", "训练（原始）"), "#9db7d5")
SMOOTHED = (("train, smoothed", "训练（平滑）"), "#2f7fd6")
HELD_OUT = (("held out", "留出集"), "#d9733a")
COLOURS = ("#2f7fd6", "#d9733a", "#3f9b63", "#b0488f", "#8a6d3b", "#5b5fc7", "#c2402a", "#4f8f9b")
# key of metrics.jsonl -> what it is called
CURVES = {
    "eval_loss": ("held-out loss", "留出集损失"),
    "loss": ("training loss, smoothed", "训练损失（平滑）"),
    "perplexity": ("perplexity", "困惑度"),
    "perplexity_per_character": ("perplexity per character", "每字符困惑度"),
    "eval_margin": ("held-out margin", "留出集奖励差"),
    "eval_accuracy": ("held-out accuracy", "留出集准确率"),
}


def loss_chart(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Training loss raw and smoothed, and held-out loss, over the steps; None without any."""
    return _train_and_held_out(rows, "loss", both("loss", "损失"))


def margin_chart(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The same of the margin between answers that are liked and others; None without any."""
    return _train_and_held_out(rows, "margin", both("reward margin", "奖励差"))


def comparison_chart(lines: Mapping[str, Points], curve: str) -> dict[str, Any]:
    """One curve of several runs: name of the run -> its points."""
    coloured = []
    for number, (name, points) in enumerate(lines.items()):
        coloured.append((name, COLOURS[number % len(COLOURS)], points))
    return _chart(coloured, both(*CURVES[curve]))


def _train_and_held_out(rows: list[dict[str, Any]], key: str, title: str) -> dict[str, Any] | None:
    train = points_of(rows, key)
    held_out = points_of(rows, f"eval_{key}")
    if not train and not held_out:
        return None
    averages = smooth([value for _, value in train])
    smoothed = [(step, average) for (step, _), average in zip(train, averages, strict=True)]
    lines = [
        (both(*name), colour, points)
        for (name, colour), points in ((TRAIN, train), (SMOOTHED, smoothed), (HELD_OUT, held_out))
    ]
    return _chart(lines, title)


def _chart(lines: Sequence[tuple[str, str, Points]], title: str) -> dict[str, Any]:
    """Lines of (name, colour, points) over the steps."""
    values = []
    for name, _, points in lines:
        for step, value in _thinned(points):
            values.append({"step": step, "value": value, "line": name})
    return {
        "data": {"values": values},
        "mark": {"type": "line", "clip": True, "point": len(values) < DOTTED_BELOW},
        "height": HEIGHT,
        "encoding": {
            "x": {"field": "step", "type": "quantitative", "title": both("step", "步")},
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": title,
                "scale": {"zero": False},
            },
            "color": {
                "field": "line",
                "type": "nominal",
                "title": None,
                "scale": {
                    "domain": [name for name, _, _ in lines],
                    "range": [colour for _, colour, _ in lines],
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
