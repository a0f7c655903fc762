"""`workbench finetune check`: every problem of a run file at once, and the sanity check that shows each token's label."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli import json_option, print_json, reports_errors


@click.command()
@click.argument("run_file", metavar="RUN.toml", type=click.Path(path_type=Path))
@click.option(
    "--preview",
    is_flag=True,
    help="Show the tokens of a row with their labels: what is learned, what not.",
)
@click.option(
    "--row", default=1, show_default=True, type=click.IntRange(1), help="Which row to show."
)
@json_option
@reports_errors
def check(run_file: Path, preview: bool, row: int, as_json: bool) -> None:
    """Report every problem of a run file at once, its data and base included; nothing is loaded or changed.

    \b
    Example:
      workbench finetune check roles.toml --preview
    """
    from finetune.run.check import check as look

    report = look(run_file)
    tokens = _tokens(report, row) if preview else []
    if as_json:
        found = {
            "problems": report.problems,
            "warnings": report.warnings,
            "estimate": report.estimate,
        }
        print_json(found | ({"preview": tokens} if preview else {}))
    else:
        _show(report, tokens)
    sys.exit(1 if report.problems else 0)


def _tokens(report: Any, row: int) -> list[dict[str, Any]]:
    from finetune.encoding.masking import preview

    if not report.encoded or not report.encoded.rows:
        return []
    encoded = report.encoded.rows[min(row, len(report.encoded.rows)) - 1]
    return [
        {"token": text, "label": label, "learned": learned}
        for text, label, learned in preview(encoded, report.tokenizer)
    ]


def _show(report: Any, tokens: list[dict[str, Any]]) -> None:
    for one in tokens:
        label = f"{one['label']:>7}" if one["learned"] else " masked"
        click.secho(
            f"{label}  {one['token']!r}",
            fg="green" if one["learned"] else None,
            dim=not one["learned"],
        )
    for one in report.problems:
        click.secho(f"{one['where']}: {one['problem']}", fg="red")
        click.echo(f"  {one['fix']}")
    for warning in report.warnings:
        click.secho(f"Warning: {warning}", fg="yellow")
    if cost := report.estimate:
        time = (
            f"about {cost['minutes']} minutes" if cost["minutes"] is not None else "time not known"
        )
        click.echo(
            f"{cost['parameters'] / 1e6:.1f} M parameters, {cost['trainable'] / 1e6:.2f} M of them trained; {cost['steps']} "
            f"steps, {cost['tokens']} tokens; about {cost['memory_gb']} GB and {time} on {cost['device']}"
        )
    click.echo("No problems." if not report.problems else f"{len(report.problems)} problems.")
