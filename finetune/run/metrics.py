"""metrics.jsonl: one line a step, read back for the page; and the loss curve as a picture, raw and smoothed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SMOOTHING = 0.9


def append_metrics(path: Path, row: dict[str, Any]) -> None:
    """Add one line; it is there whole, or the reader skips it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All lines; a half-written last one is left out."""
    rows = []
    for line in path.read_text("utf-8", "replace").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that a resumed run takes again."""
    kept = [row for row in read_metrics(path) if row["step"] <= step]
    part = path.with_name(path.name + ".part")
    part.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
    part.replace(path)


def smooth(values: Sequence[float], weight: float = SMOOTHING) -> list[float]:
    """The exponential moving average, corrected for its start."""
    average, found = 0.0, []
    for number, value in enumerate(values, 1):
        average = weight * average + (1 - weight) * value
        found.append(average / (1 - weight**number))
    return found


def draw_loss(metrics: Path, picture: Path) -> None:
    """The training loss raw and smoothed, and the held-out loss where it was measured."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = read_metrics(metrics)
    train = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    held_out = [(row["step"], row["eval_loss"]) for row in rows if "eval_loss" in row]
    if not train:
        return
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="step", ylabel="loss")
    steps, losses = zip(*train, strict=True)
    axes.plot(steps, losses, color="#9db7d5", linewidth=1, label="train, raw")
    axes.plot(steps, smooth(losses), color="#1f5fa8", linewidth=2, label="train, smoothed")
    if held_out:
        axes.plot(
            *zip(*held_out, strict=True),
            color="#c2571a",
            marker="o",
            markersize=3,
            label="held out",
        )
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    part = picture.with_suffix(".part.png")
    figure.savefig(part, dpi=120)
    part.replace(picture)
