"""metrics.jsonl: one line a step; and the loss curve as a picture, raw and smoothed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.files import write_text, writing

SMOOTHING = 0.9
Points = list[tuple[int, float]]


def append_metrics(path: Path, row: dict[str, Any]) -> None:
    """Add one line; it is written whole, or the reader skips it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All lines; a half-written last one is left out, and a missing file has none."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that a resumed run takes again."""
    kept = [json.dumps(row) + "\n" for row in read_metrics(path) if row["step"] <= step]
    write_text(path, "".join(kept))


def points_of(rows: Sequence[dict[str, Any]], key: str) -> Points:
    """(step, value) of every line that has the key."""
    return [(row["step"], row[key]) for row in rows if key in row]


def smooth(values: Sequence[float], weight: float = SMOOTHING) -> list[float]:
    """The exponential moving average, corrected for its start."""
    average = 0.0
    found = []
    for number, value in enumerate(values, 1):
        average = weight * average + (1 - weight) * value
        found.append(average / (1 - weight**number))
    return found


def perplexity(loss: float) -> float:
    """e to the mean loss, as far as a number can be that large."""
    return math.exp(min(loss, 700))


def draw_loss(metrics: Path, picture: Path) -> None:
    """The training loss raw and smoothed, and the held-out loss where it was measured."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = read_metrics(metrics)
    train = points_of(rows, "loss")
    held_out = points_of(rows, "eval_loss")
    if not train:
        return
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)  # draws without a display
    axes = figure.add_subplot(xlabel="step", ylabel="loss")
    steps, losses = zip(*train, strict=True)
    axes.plot(steps, losses, color="#9db7d5", linewidth=1, label="train, raw")
    axes.plot(steps, smooth(losses), color="#1f5fa8", linewidth=2, label="train, smoothed")
    if held_out:
        steps, losses = zip(*held_out, strict=True)
        axes.plot(steps, losses, color="#c2571a", marker="o", markersize=3, label="held out")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with writing(picture) as part:
        figure.savefig(part, dpi=120, format="png")  # the name of the part has no .png
