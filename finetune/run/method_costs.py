"""A run's settings -> what each method of the table would cost, before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.methods import METHODS
from finetune.run.config import RunConfig, method_sections
from finetune.run.estimate import estimate
from finetune.run.suitability import method_problems
from finetune.weights import Weights


def method_costs(
    config: RunConfig, base: Path, weights: Weights, lengths: list[int]
) -> list[dict[str, Any]]:
    """A row for each method, with what `estimate` says of it.

    {"method", "trainable", "memory_gb", "minutes", "publishes", "problem"}: `publishes` is whether
    it fits into a GGUF file, `problem` the first that stands in its way, or empty. `lengths` are
    those of the rows in tokens.
    """
    rows = []
    for name, method in METHODS.items():
        other = with_method(config, name)
        cost = estimate(other, base, weights, lengths)
        problems = method_problems(other, weights)
        rows.append(
            {
                "method": name,
                "trainable": cost["trainable"],
                "memory_gb": cost["memory_gb"],
                "minutes": cost["minutes"],
                "publishes": any(method.gguf.values()),
                "problem": problems[0]["problem"] if problems else "",
            }
        )
    return rows


def with_method(config: RunConfig, name: str) -> RunConfig:
    """The same run by another method: with its own settings where it shares the section, else with
    that method's defaults.
    """
    method = METHODS[name]
    settings = getattr(config, method.section)
    if settings is None:
        settings = method.settings()
    sections: dict[str, Any] = dict.fromkeys(method_sections())
    sections[method.section] = settings.model_copy(update={"method": name})
    return config.model_copy(update=sections)
