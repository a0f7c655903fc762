"""Questions with their right queries -> what a source's writer makes of them: right, declined or wrong, by the results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.data.expert import answer_from_data
from agents.databases.introspect import load_schema
from agents.databases.runner import ask_database
from agents.databases.sources import DataSource
from workbench.chat.events import Event, Query, Table, Token
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say
from workbench.models.names import NONE
from workbench.settings import Settings


@dataclass(frozen=True)
class Measured:
    """`verdict` is right, declined or wrong; `sql` what ran, `reason` what was said where nothing did."""

    question: str
    verdict: str
    sql: str
    reason: str


def read_questions(path: Path) -> list[tuple[str, str]]:
    """(question, right query) of JSON lines of messages; an empty query where none is right. Raises InvalidInput."""
    try:
        lines = path.read_text("utf-8").splitlines()
        rows = [json.loads(line)["messages"] for line in lines if line.strip()]
        return [(turns[-2]["content"], turns[-1]["content"]) for turns in rows]
    except FileNotFoundError as error:
        raise NotFound(
            say("There is no file {path}.", path=path),
            "Make one: workbench data questions NAME --out FILE",
        ) from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InvalidInput(
            say("{path} holds no pairs.", path=path),
            "Each line: a question and its query as messages.",
        ) from error


def measure(
    questions: Iterable[tuple[str, str]], source: DataSource, settings: Settings
) -> Iterator[Measured]:
    """Each question asked without a chat model and without verified pairs; right where it gives the right query's result."""
    settings = settings.model_copy(update={"model": NONE, "source": source.name})
    schema = load_schema(source, settings)
    for question, sql in questions:
        events = list(answer_from_data(question, [], settings, verified=False))
        written = next((event.sql for event in events if isinstance(event, Query)), "")
        text = "".join(event.text for event in events if isinstance(event, Token))
        if not written:
            yield Measured(question, "declined" if sql else "right", "", text)
            continue
        right = bool(sql) and _same(events, ask_database(sql, schema, source, settings)[1].rows)
        yield Measured(question, "right" if right else "wrong", written, "")


def _same(events: Sequence[Event], rows: list[list[Any]]) -> bool:
    """Whether a table has these rows, in this order, whatever its columns are called and in which order they stand."""
    found = next((event.rows for event in events if isinstance(event, Table)), [])
    return [sorted(map(str, row)) for row in found] == [sorted(map(str, row)) for row in rows]
