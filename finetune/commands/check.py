"""`workbench finetune check`: every problem of a run file at once, and the label of each token."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import json_option, print_json, reports_errors

if TYPE_CHECKING:
    from finetune.run.check import Report


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
@click.option("--costs", is_flag=True, help="Show what each method would cost, as a table.")
@json_option
@reports_errors
def check(run_file: Path, preview: bool, row: int, costs: bool, as_json: bool) -> None:
    """Report every problem of a run file, its data and its base at once; nothing is changed.

    \b
    Example:
      workbench finetune check roles.toml --preview
    """
    from finetune.run.check import check as look

    report = look(run_file)
    tokens = _tokens(report, row) if preview else []
    if as_json:
        found: dict[str, Any] = {
            "problems": report.problems,
            "warnings": report.warnings,
            "estimate": report.estimate,
            "methods": report.methods,
        }
        if preview:
            found["preview"] = tokens
        print_json(found)
    else:
        _show(report, tokens, costs)
    sys.exit(1 if report.problems else 0)


def _tokens(report: Report, row: int) -> list[dict[str, Any]]:
    """The tokens of that row, the first being 1; of the last row where it has fewer."""
    from finetune.encoding.masking import preview

    if not report.encoded or not report.encoded.rows:
        return []
    rows = report.encoded.rows
    encoded = rows[min(row, len(rows)) - 1]
    return [
        {"token": text, "label": label, "learned": learned}
        for text, label, learned in preview(encoded, report.tokenizer)
    ]


def _show(report: Report, tokens: list[dict[str, Any]], costs: bool) -> None:
    for token in tokens:
        if token["learned"]:
            click.secho(f"{token['label']:>7}  {token['token']!r}", fg="green")
        else:
            click.secho(f" masked  {token['token']!r}", dim=True)
    for row in report.problems:
        click.secho(f"{row['where']}: {row['problem']}", fg="red")
        click.echo(f"  {row['fix']}")
    for warning in report.warnings:
        click.secho(f"Warning: {warning}", fg="yellow")
    if report.estimate:
        click.echo(_cost(report.estimate))
    if costs and report.methods:
        click.echo(_costs(report.methods))
    click.echo(f"Problems: {len(report.problems)}." if report.problems else "No problems.")


def _costs(methods: list[dict[str, Any]]) -> str:
    """A line for each method."""
    lines = [f"{'method':<10} {'trained':>10} {'memory':>9}"]
    for row in methods:
        trained = f"{row['trainable'] / 1e6:.2f} M"
        memory = f"{row['memory_gb']:.2f} GB"
        remark = row["problem"] or ("" if row["publishes"] else "not to be published")
        lines.append(f"{row['method']:<10} {trained:>10} {memory:>9}  {remark}".rstrip())
    return "\n".join(lines)


def _corpus(cost: dict[str, Any]) -> str:
    """How many tokens the texts of a pre-training have."""
    if "corpus_tokens" not in cost:
        return ""
    about = "" if cost["corpus_tokens_exact"] else "about "
    return f"a corpus of {about}{cost['corpus_tokens']} tokens; "


def _cost(cost: dict[str, Any]) -> str:
    minutes = cost["minutes"]
    time = "time not known" if minutes is None else f"about {minutes} minutes"
    parameters = cost["parameters"] / 1e6
    trainable = cost["trainable"] / 1e6
    return (
        f"{parameters:.1f} M parameters, {trainable:.2f} M of them trained; "
        f"{_corpus(cost)}{cost['steps']} steps, {cost['tokens']} tokens; "
        f"about {cost['memory_gb']} GB and {time} on {cost['device']}"
    )
