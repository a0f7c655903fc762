"""How much a written name is like a real one, and which real one was clearly meant."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from agents.databases.schema import Column, TableSchema

APART = 0.08  # how much nearer than the next one
SAME = 0.999
MEANING = 0.98  # what a comment or synonym counts, so that a real name of the same spelling wins


def likeness(written: str, item: TableSchema | Column) -> float:
    """From 0 to 1, by the item's name, comment, description or a synonym; 1 is the same."""
    name = item.own_name if isinstance(item, TableSchema) else item.name
    scores = [_alike(written, name)]
    for meaning in (item.comment, item.description, *item.synonyms):
        if meaning:
            scores.append(MEANING * _alike(written, meaning))
    return max(scores)


def _alike(one: str, other: str) -> float:
    left, right = _bare(one), _bare(other)
    if left == right:
        return 1.0
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def _bare(name: str) -> str:
    return name.casefold().replace("_", "").replace(" ", "")


def nearest(scored: list[tuple[float, Any]], enough: float) -> Any:
    """The item that is near enough and clearly nearer than all others, or None."""
    ranked = sorted(scored, key=lambda pair: -pair[0])
    if not ranked or ranked[0][0] < enough:
        return None
    best, found = ranked[0]
    if len(ranked) == 1:
        return found
    needed = APART if best < SAME else 1e-9  # of two equal names neither is meant for certain
    return found if best - ranked[1][0] >= needed else None
