"""Two models' figures -> the tasks that can be compared, side by side, and why others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from finetune.benchmark.kept import Measured, list_folders, list_kept
from workbench.errors import Conflict, NotFound
from workbench.messages import Message, listed, say
from workbench.scoring.paired import Paired, compare_pairs
from workbench.settings import Settings

# what must be the same, and what a person calls it
SAME = {
    "version": say("version of the task"),
    "shots": say("questions shown before"),
    "template": say("template"),
    "form": say("way of answering"),
    "questions": say("questions"),
}


@dataclass(frozen=True)
class Pair:
    """One task of two models, measured under the same conditions."""

    task: str
    first: Measured
    second: Measured

    @property
    def paired(self) -> Paired:
        """How the first model differs from the second, question by question."""
        ours, others = _rights(self.first), _rights(self.second)
        return compare_pairs(ours, others)

    def differing(self) -> list[dict[str, Any]]:
        """The questions that one of them alone has right, with what each has chosen."""
        found = []
        for ours, others in zip(self.first.questions(), self.second.questions(), strict=True):
            if ours["right"] == others["right"]:
                continue
            shared = {key: ours[key] for key in ("id", "question", "options", "gold", "taught")}
            chosen = {"first": ours["chosen"], "second": others["chosen"]}
            found.append(shared | chosen | {"right": "first" if ours["right"] else "second"})
        return found


@dataclass(frozen=True)
class Comparison:
    """The tasks that both models have. `refused` says of the others why they are not compared."""

    names: tuple[str, str]
    pairs: list[Pair]
    refused: dict[str, Message]


def all_figures(settings: Settings) -> list[Measured]:
    """What was measured in the workspace: of its runs, then of other models."""
    return [one for folder in list_folders(settings) for one in list_kept(folder)]


def figures_of(name: str, settings: Settings) -> list[Measured]:
    """All figures of a model, the newest first. Raises NotFound with near names."""
    figures = all_figures(settings)
    found = [one for one in figures if one.conditions.model == name]
    if found:
        return sorted(found, key=lambda one: one.created, reverse=True)
    near = get_close_matches(name, {one.conditions.model for one in figures}, 3)
    raise NotFound(
        say("Nothing was measured of {name} yet.", name=name),
        say("Did you mean {names}?", names=", ".join(near))
        if near
        else say("Measure it: workbench finetune benchmark {name} --tasks ceval", name=name),
    )


def compare(first: str, second: str, settings: Settings) -> Comparison:
    """The tasks of two models side by side.

    Raises NotFound for a model without figures, Conflict where no task of both was measured under
    the same conditions.
    """
    pairs, refused = pair_up(figures_of(first, settings), figures_of(second, settings))
    if not pairs:
        raise _nothing_alike(first, second, refused)
    return Comparison((first, second), pairs, refused)


def pair_up(
    ours: Sequence[Measured], others: Sequence[Measured]
) -> tuple[list[Pair], dict[str, Message]]:
    """The tasks of both that were measured under the same conditions; why the others were not."""
    first, second = _by_task(ours), _by_task(others)
    pairs: list[Pair] = []
    refused: dict[str, Message] = {}
    for task in sorted(first.keys() & second.keys()):
        pair = _match(task, first[task], second[task])
        if pair:
            pairs.append(pair)
        else:
            refused[task] = _difference(first[task][0], second[task][0])
    return pairs, refused


def _by_task(figures: Sequence[Measured]) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for measured in figures:
        found.setdefault(measured.conditions.task, []).append(measured)
    return found


def _match(task: str, ours: Sequence[Measured], others: Sequence[Measured]) -> Pair | None:
    """The newest two that were measured under the same conditions."""
    for first in ours:
        for second in others:
            if not _unlike(first, second):
                return Pair(task, first, second)
    return None


def _unlike(first: Measured, second: Measured) -> list[str]:
    """The conditions in which they differ."""
    return [
        name for name in SAME if getattr(first.conditions, name) != getattr(second.conditions, name)
    ]


def _difference(first: Measured, second: Measured) -> Message:
    """What differs between two measurements of a task, in words."""
    parts = []
    for name in _unlike(first, second):
        one, other = getattr(first.conditions, name), getattr(second.conditions, name)
        if name == "questions":
            one, other = first.result["n"], second.result["n"]
        parts.append(say("{what}: {one} and {other}", what=SAME[name], one=one, other=other))
    return listed(parts)


def _rights(measured: Measured) -> list[float]:
    return [float(row["right"]) for row in measured.questions()]


def _nothing_alike(first: str, second: str, refused: dict[str, Message]) -> Conflict:
    if not refused:
        return Conflict(
            say("{first} and {second} have no task in common.", first=first, second=second),
            "Measure both on the same tasks.",
        )
    task, reason = next(iter(refused.items()))
    return Conflict(
        say(
            "{first} and {second} cannot be compared on {task}: {reason}",
            first=first,
            second=second,
            task=task,
            reason=reason,
        ),
        "Measure one of them again, as the other was.",
    )
