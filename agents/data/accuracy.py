"""Questions and their right queries -> how often a source's writer is right, by the results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.data.expert import answer_from_data
from agents.databases.introspect import load_schema
from agents.databases.runner import ask_database
from agents.databases.sources import DataSource
from agents.question import Question
from workbench.chat.events import Query, Table, Token
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


def read_questions(path: Path) -> list[tuple[str, str]]:
    """(question, right query) of JSON lines of messages; an empty query where none is right.

    Raises NotFound or InvalidInput.
    """
    found = []
    try:
        for line in path.read_text("utf-8").splitlines():
            if line.strip():
                *_, asked, answered = json.loads(line)["messages"]
                found.append((asked["content"], answered["content"]))
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
    questions: Iterable[tuple[str, str]], source: DataSource, settings: Settings
) -> Iterator[Measured]:
    """Each question asked without a chat model and without verified pairs.

    An answer is right where its result is that of the right query, or where no query is right and
    none ran.
    """
    settings = settings.model_copy(update={"model": NONE, "source": source.name})
    schema = load_schema(source, settings)
    for question, right_sql in questions:
        given = _ask(question, settings)
        if not given.sql:
            yield Measured(question, "declined" if right_sql else "right", "", given.text)
            continue
        verdict = "wrong"
        if right_sql:
            _, wanted = ask_database(right_sql, schema, source, settings)
            if _same(given.rows or [], wanted.rows):
                verdict = "right"
        yield Measured(question, verdict, given.sql, "")


def _ask(question: str, settings: Settings) -> Given:
    given = Given()
    for event in answer_from_data(Question(question, [], settings), verified=False):
        if isinstance(event, Query):
            given.sql = event.sql
        elif isinstance(event, Table):
            given.rows = event.rows
        elif isinstance(event, Token):
            given.text += event.text
    return given


def _same(found: list[list[Any]], wanted: list[list[Any]]) -> bool:
    """Whether the rows and their order are the same; names and order of columns may differ."""
    return [sorted(map(str, row)) for row in found] == [sorted(map(str, row)) for row in wanted]
