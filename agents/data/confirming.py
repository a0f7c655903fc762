"""A small model's query that ran -> the one that another, written apart from it, agrees with.

A right query has one result and wrong ones have many, so results that agree are likelier right
(self-consistency: Wang et al. 2023, arXiv 2203.11171; by results: Shi et al. 2022, arXiv
2204.11454). It costs one more query of the model, and another where the two differ.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from agents.data import texts
from agents.data.asked import Asked, listen
from agents.data.prompting import cannot, read_sql
from agents.data.result import Ran, execute, mend
from agents.databases.database import QueryFailed
from agents.databases.guard.refused import Refused
from agents.databases.runner import Result
from workbench.chat.events import Event
from workbench.models.chosen import ChosenModel
from workbench.models.listing import size_of

SMALL_UP_TO = 4e9  # bytes of weights; 0 where nobody tells, which counts as large
TEMPERATURE = 0.8  # so that the same question is written in another way
MOST = 3  # queries written for one question

Messages = list[tuple[str, str]]


@dataclass(frozen=True)
class Confirmed:
    """The query to answer with, how many were written, and whether two of them agree."""

    ran: Ran
    written: int
    agreed: bool

    def notice(self, language: str) -> str:
        """What a person should know of it."""
        if self.agreed:
            return texts.queries_agree(language, self.written)
        return texts.no_query_agrees(language, self.written)


def wants_confirmation(model: ChosenModel) -> bool:
    """Whether the settings want a second query of this model."""
    wanted = model.settings.confirm_queries
    if wanted != "small":
        return wanted == "always"
    return 0 < size_of(model.info, model.settings) <= SMALL_UP_TO


def confirm(
    asked: Asked, model: ChosenModel, messages: Messages, first: Ran
) -> Generator[Event, None, Confirmed]:
    """Have further queries written until two of all agree; else the first one stays."""
    model = model.changed(temperature=TEMPERATURE)
    ran = [first]
    for written in range(2, MOST + 1):
        other = yield from _another(asked, model, messages)
        if other is None:
            continue
        for known in ran:
            if agree(known, other):
                return Confirmed(known, written, True)
        ran.append(other)
    return Confirmed(first, MOST, False)


def agree(one: Ran, other: Ran) -> bool:
    """Whether two queries are the same or give the same rows, in whatever order.

    That both find nothing says little: wrong names of values do so too.
    """
    if one.verdict.sql == other.verdict.sql:
        return True
    return bool(one.result.rows) and _cells(one.result) == _cells(other.result)


def _another(
    asked: Asked, model: ChosenModel, messages: Messages
) -> Generator[Event, None, Ran | None]:
    """One more query and its rows; None where it is none, or does not run."""
    text = yield from listen(messages, model)
    if cannot(text):
        return None
    try:
        ran = yield from execute(asked, mend(read_sql(text), asked.schema))
    except (Refused, QueryFailed):
        return None
    return ran


def _cells(result: Result) -> list[list[str]]:
    """The rows as texts that compare, whatever the order of rows and columns."""
    return sorted(sorted(map(_comparable, row)) for row in result.rows)


def _comparable(value: Any) -> str:
    """3 and 3.0 are the same number, and so are those that differ by rounding alone."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.9g}"
    return str(value)
