"""Figures of a back-test as lines of text for the terminal."""

from __future__ import annotations

from typing import Any

import click

SHOWN = 12  # steps


def show_figures(figures: dict[str, Any]) -> None:
    """One line a step, then the whole beside the baselines, the coverage, and what was skipped."""
    click.echo(f"{'step':>6} {'MAE':>12} {'RMSE':>12} {'R²':>8} {'MASE':>8} {'sMAPE':>8}")
    for step in figures["steps"][:SHOWN]:
        click.echo(_line(str(step["step"]), step))
    if len(figures["steps"]) > SHOWN:
        click.echo(f"     … {len(figures['steps']) - SHOWN} more steps")
    click.echo(_line("all", figures["all"]))
    baselines = figures["baselines"]
    click.echo(_line("naive", baselines["seasonal_naive"]))
    click.echo(_line("ETS", baselines["ets"]))
    interval = figures["interval"]
    if interval["coverage"] is not None:
        click.echo(
            f"The {interval['level']:.0%} band held {interval['coverage']:.1%} of "
            f"{interval['values']} values that it was not made from."
        )
    if figures["skipped_groups"]:
        click.echo(
            f"{figures['skipped_groups']} groups were too short (under {figures['fewest']} "
            f"moments): {', '.join(list(figures['skipped'])[:5])}"
        )


def _line(name: str, row: dict[str, Any]) -> str:
    cells = [_cell(row.get("mae"), 12), _cell(row.get("rmse"), 12)]
    cells += [_cell(row.get(figure), 8) for figure in ("r2", "mase", "smape")]
    return f"{name:>6} " + " ".join(cells)


def _cell(value: float | None, width: int) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:>{width}.4g}"
