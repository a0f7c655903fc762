"""Two arms held against each other, as an event has them, from the side of either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
SURE = 0.05  # an adjusted p below is no chance


def seen_from(arm: str, pair: Row) -> Row:
    """The pair with that arm as its first one."""
    if pair["first"] == arm:
        return pair
    turned = {
        "first": arm,
        "second": pair["first"],
        "better": pair["worse"],
        "worse": pair["better"],
    }
    if "interval" in pair:
        low, high = pair["interval"]
        turned |= {"difference": -pair["difference"], "interval": [-high, -low]}
    return pair | turned


def pairs_of(arm: str, pairs: Sequence[Row]) -> list[Row]:
    """The arm against each of the others."""
    return [seen_from(arm, pair) for pair in pairs if arm in (pair["first"], pair["second"])]


def find_pair(first: str, second: str, pairs: Sequence[Row]) -> Row | None:
    """The first arm against the second; None where one of them was not compared."""
    for pair in pairs_of(first, pairs):
        if pair["second"] == second:
            return pair
    return None
