"""Each meaning of the word tables, and what a query does that acts on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agents.databases.teaching.doing import ROWS, Doing


@dataclass(frozen=True)
class Sign:
    """A meaning of the word tables, and whether a query acts on it.

    `alone` says that a query that does it must have been asked for it.
    """

    meaning: str
    done: Callable[[Doing], bool]
    alone: bool = False


def _never(_: Doing) -> bool:
    return False


SIGNS = (
    Sign("howmany", lambda doing: doing.computes),
    Sign("total", lambda doing: doing.has("Sum", ROWS) or bool(doing.counted_once)),
    Sign("average", lambda doing: doing.has("Avg"), alone=True),
    Sign("most", lambda doing: doing.sorts(falls=True) or doing.has("Max")),
    Sign("least", lambda doing: doing.sorts(falls=False) or doing.has("Min"), alone=True),
    Sign("newest", lambda doing: doing.looks_for("newest"), alone=True),
    Sign("oldest", lambda doing: doing.looks_for("oldest"), alone=True),
    Sign("when", lambda doing: doing.shows_time),
    Sign("day", lambda doing: "day" in doing.cuts, alone=True),
    Sign("hour", lambda doing: "hour" in doing.cuts, alone=True),
    Sign("week", lambda doing: "week" in doing.cuts, alone=True),
    Sign("month", lambda doing: "month" in doing.cuts, alone=True),
    Sign("year", _never),
    Sign("per", lambda doing: bool(doing.grouped or doing.cuts) or doing.has("Avg")),
    Sign("different", lambda doing: doing.distinct or bool(doing.counted_once or doing.grouped)),
    Sign("mention", lambda doing: doing.compares("mention"), alone=True),
    Sign("no", lambda doing: "no" in doing.others, alone=True),
    Sign("either", lambda doing: "either" in doing.others, alone=True),
    Sign("portion", lambda doing: "arithmetic" in doing.others),
    Sign("growth", lambda doing: "arithmetic" in doing.others),
    Sign("median", _never),
    Sign("recentdays", _never),
)
