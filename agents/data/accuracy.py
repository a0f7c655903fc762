"""Questions and their right queries -> how often a source's writer is right, by the results."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.data.expert import answer_from_data
from agents.databases.introspect import load_schema
from agents.databases.runner import ask_database
from agents.databases.sources import DataSource
from agents.question import Question
from workbench.chat.events import Declined, Query, Table, Token
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.models.listing import NONE
from workbench.settings import Settings


@dataclass(frozen=True)
class Measured:
    """`verdict` is right, declined or wrong; `sql` is what ran, `reason` why nothing did."""

    question: str
    verdict: str
    sql: str
    reason: str


@dataclass
class Given:
    """One answer: the query that ran, the rows it gave, and the text."""

    sql: str = ""
    rows: list[list[Any]] | None = None
    text: str = ""


@dataclass(frozen=True)
class Expected:
    """A question and the queries that answer it; none where the tables have no answer."""

    question: str
    right: tuple[str, ...] = ()


def read_questions(path: Path) -> list[Expected]:
    """Questions of JSON lines of messages; an empty answer where no query is right.

    `also` of a line holds further queries that are right. A line that only has `about` describes
    the file. Raises NotFound or InvalidInput.
    """
    found = []
    try:
        for line in path.read_text("utf-8").splitlines():
            if not line.strip():
                continue
            row: dict[str, Any] = json.loads(line)
            if row.keys() == {"about"}:
                continue
            *_, asked, answered = row["messages"]
            queries = [answered["content"], *row.get("also", ())]
            right = tuple(query for query in queries if query)
            found.append(Expected(asked["content"], right))
    except FileNotFoundError as error:
        raise NotFound(
            say("There is no file {path}.", path=path),
            "Make one: workbench data questions NAME --out FILE",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            say("{path} holds no pairs.", path=path),
            "Each line: a question and its query as messages.",
        ) from error
    return found


def measure(
    questions: Iterable[Expected], source: DataSource, settings: Settings
) -> Iterator[Measured]:
    """Each question asked without a chat model and without verified pairs.

    An answer is right where its result is that of a right query, or where no query is right and
    none ran.
    """
    settings = settings.model_copy(update={"model": NONE, "source": source.name})
    schema = load_schema(source, settings)
    for expected in questions:
        given = _ask(expected.question, settings)
        if not given.sql:
            verdict = "declined" if expected.right else "right"
            yield Measured(expected.question, verdict, "", given.text)
            continue
        verdict = "wrong"
        for query in expected.right:
            _, wanted = ask_database(query, schema, source, settings)
            if _holds(given.rows or [], wanted.rows, in_order="ORDER BY" in query.upper()):
                verdict = "right"
        yield Measured(expected.question, verdict, given.sql, "")


def _ask(question: str, settings: Settings) -> Given:
    given = Given()
    for event in answer_from_data(Question(question, [], settings), verified=False):
        if isinstance(event, Query):
            given.sql = event.sql
        elif isinstance(event, Table):
            given.rows = event.rows
        elif isinstance(event, Token | Declined):
            given.text += event.text
    return given


def _holds(found: list[list[Any]], wanted: list[list[Any]], in_order: bool) -> bool:
    """Whether the rows are those wanted. More columns may be shown, in any order and by any name.

    The order of the rows counts where the right query has one.
    """
    if len(found) != len(wanted):
        return False
    if not in_order:
        return _each_once(found, wanted)
    return all(_shows(row, cells) for row, cells in zip(found, wanted, strict=True))


def _each_once(found: list[list[Any]], wanted: list[list[Any]]) -> bool:
    """Whether each wanted row is shown by a row of its own, wherever it stands."""
    left = list(found)
    for cells in wanted:
        fitting = [row for row in left if _shows(row, cells)]
        if not fitting:
            return False
        left.remove(min(fitting, key=len))
    return True


def _shows(row: list[Any], cells: list[Any]) -> bool:
    """Whether a row has all of the cells."""
    return not Counter(map(str, cells)) - Counter(map(str, row))
