"""Figures of tasks -> what a command prints, a suite's figure over all of its subjects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from finetune.benchmark.kept import Measured
from finetune.benchmark.task import Task


def results_of(found: Sequence[tuple[Task, Measured]]) -> dict[str, dict[str, Any]]:
    """Name of a task -> its figures; a suite that was asked for as a whole has its own."""
    results = {task.asked: measured.result for task, measured in found}
    groups: dict[str, list[dict[str, Any]]] = {}
    for task, measured in found:
        if task.group:
            groups.setdefault(task.group, []).append(measured.result)
    for group, parts in groups.items():
        results[group] = pooled(parts)
    return results


def pooled(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All questions of several tasks together: each counts the same.

    The standard error is that of a mean of independent parts weighted by their sizes.
    """
    n = sum(part["n"] for part in parts)
    acc = sum(part["acc"] * part["n"] for part in parts) / n
    variance = sum(((part["stderr"] or 0) * part["n"] / n) ** 2 for part in parts)
    return {
        "acc": round(acc, 6),
        "stderr": round(math.sqrt(variance), 6),
        "n": n,
        "cut": sum(part["cut"] for part in parts),
        "leak": sum(part["leak"] for part in parts),
    }
