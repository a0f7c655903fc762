"""What was loaded from data files -> lines for a terminal, or one object for --json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from finetune.data.dataset import Loaded, Problem
from finetune.data.kinds import KINDS
from workbench.errors import Conflict
from workbench.messages import say

SHOWN = 20  # problems and rows left out that are listed on a terminal; --json lists all


def as_json_object(loaded: Loaded, problems: Sequence[Problem]) -> dict[str, Any]:
    """Counts, kinds and the tasks that train on them, every problem, every row left out."""
    kinds = {
        name: {"rows": rows, "tasks": list(KINDS[name].tasks)}
        for name, rows in loaded.kinds.items()
    }
    dropped = [{"where": f"{row.file}:{row.line}", "reason": row.reason} for row in loaded.dropped]
    return {
        "examples": len(loaded.examples),
        "sha256": loaded.sha256,
        "formats": loaded.formats,
        "kinds": kinds,
        "notes": loaded.notes,
        "problems": [problem_object(problem) for problem in problems],
        "dropped": dropped,
    }


def problem_object(problem: Problem) -> dict[str, str]:
    return {"where": problem.where, "problem": problem.problem, "fix": problem.fix}


def print_report(loaded: Loaded, problems: Sequence[Problem]) -> None:
    """The same for a terminal, long lists cut short."""
    print_problems(problems)
    for row in loaded.dropped[:SHOWN]:
        click.echo(f"left out {row.file}:{row.line}: {row.reason}")
    if len(loaded.dropped) > SHOWN:
        click.echo(f"… and {len(loaded.dropped) - SHOWN} more; --json lists all")
    kinds = [KINDS[name].describe(rows) for name, rows in loaded.kinds.items()]
    for note in loaded.notes:
        if note not in kinds:
            click.echo(f"note: {note}")
    for kind in kinds:
        click.echo(kind)
    shapes = ", ".join(f"{count} {name}" for name, count in loaded.formats.items())
    click.echo(
        f"{len(loaded.examples)} examples, {len(problems)} problems, {len(loaded.dropped)} left out"
        f" ({shapes or 'nothing known'})  sha256 {loaded.sha256}"
    )


def print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems[:SHOWN]:
        click.echo(f"{problem.where}: {problem.problem}\n  {problem.fix}", err=True)
    if len(problems) > SHOWN:
        click.echo(f"… and {len(problems) - SHOWN} more problems; --json lists all", err=True)


def free_path(path: Path, replace: bool) -> Path:
    """The path, if nothing is overwritten or that was asked for. Raises Conflict."""
    if path.exists() and not replace:
        raise Conflict(say("{path} already exists.", path=path), "Give another name, or --replace.")
    return path
