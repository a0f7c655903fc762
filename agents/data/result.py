"""A written query -> the query that ran, its table, what to know about it, a chart and findings."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from agents.data import texts
from agents.data.asked import Asked
from agents.data.prompting import fill
from agents.data.wording import KnownNumbers, only_about_the_result
from agents.data.wording import Result as Spoken
from agents.databases.analyst import EMPTY, findings, markdown_table
from agents.databases.charts import chart
from agents.databases.guard.bounds import MOST_ROWS
from agents.databases.guard.guard import Verdict
from agents.databases.guard.repair import Mender
from agents.databases.runner import Result, begin
from agents.databases.schema import Schema
from workbench.chat.events import Beat, Chart, Event, Notice, Query, Table, Token
from workbench.models.chosen import ChosenModel
from workbench.models.reasoning import split_stream
from workbench.tracing import span


@dataclass(frozen=True)
class Written:
    """A query with the names that the schema has; `changes` are those that were corrected."""

    sql: str
    changes: tuple[str, ...] = ()


def mend(sql: str, schema: Schema) -> Written:
    """The query with its unknown names corrected, where it is certain which ones were meant."""
    mender = Mender(schema)
    mended = mender.mend(sql)
    return Written(mended, tuple(mender.changes))


@dataclass(frozen=True)
class Ran:
    """A query that ran: what was asked for, what the guard made of it, and its rows."""

    query: Written
    verdict: Verdict
    result: Result


def run(asked: Asked, query: Written, notices: Sequence[str] = ()) -> Iterator[Event]:
    """The events of one query. Raises Refused or QueryFailed before the first that is shown.

    `notices` say how the query came about. Closing the iterator stops the query on the server.
    """
    ran = yield from execute(asked, query)
    yield from show(asked, ran, notices)


def execute(asked: Asked, query: Written) -> Generator[Event, None, Ran]:
    """Run one query; only beats are yielded. Raises Refused or QueryFailed."""
    with span("run query") as seen:
        running = begin(query.sql, asked.schema, asked.source, asked.settings)
        for _ in running.wait():
            yield Beat()
        result = running.result()
        seen.set(rows=len(result.rows), columns=len(result.columns), cut=result.truncated)
    return Ran(query, running.verdict, result)


def show(asked: Asked, ran: Ran, notices: Sequence[str] = ()) -> Iterator[Event]:
    """Query and table, then what can be said about it, with the notices that belong to it."""
    if ran.query.changes:
        notices = [*notices, texts.names_corrected(asked.language, ran.query.changes)]
    yield from _show(asked, ran.verdict, ran.result, notices)


def _show(
    asked: Asked, verdict: Verdict, result: Result, notices: Sequence[str]
) -> Iterator[Event]:
    """Table first, then what can be said about it."""
    yield Query(verdict.sql, asked.schema.dialect, asked.source.name)
    if not result.rows:
        yield Token(EMPTY[asked.language])
        return
    table = markdown_table(result.columns, result.rows)
    yield Token(table)
    yield Table(result.columns, result.rows, result.truncated)
    if result.truncated:
        yield Notice(texts.first_rows_only(asked.language, len(result.rows)))
    if verdict.recursive:
        yield Notice(texts.recursion_is_bounded(asked.language, MOST_ROWS))
    for notice in notices:
        yield Notice(notice)
    drawing = chart(result.columns, result.rows)
    if drawing:
        yield Chart(drawing)
    yield Token("\n")
    # where the guard could not ask for one row more, a full result may have been cut
    full = verdict.more is None and len(result.rows) >= verdict.limit
    partial = result.truncated or full
    lines = findings(result.columns, result.rows, partial, asked.language)
    if asked.model is None or not lines:
        yield Token(_as_list(lines))
    else:
        yield from _worded(asked, asked.model, result, table, lines)


def _worded(
    asked: Asked, model: ChosenModel, result: Result, table: str, lines: list[str]
) -> Iterator[Event]:
    """The findings as the model words them, without numbers of its own; else as they are.

    What says nothing of the result is left out.
    """
    prompt = fill(
        f"analyst_{asked.language}.md",
        question=asked.question,
        findings=_as_list(lines),
        table=re.sub(r"</?result>", "", table),  # a cell cannot close the fence around it
    )
    known = KnownNumbers(asked.question, result.columns, result.rows, lines, len(result.rows))
    spoken = split_stream(model.stream([("user", prompt)]))
    said = False
    spoken_of = Spoken(result.rows, lines)
    for event in only_about_the_result(spoken, known, spoken_of, asked.language):
        if isinstance(event, Token) and event.text.strip():
            said = True
        yield event
    if not said:
        yield Token("\n\n" + _as_list(lines))


def _as_list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
