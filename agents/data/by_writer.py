"""A question -> the answer by the query of the source's own writer, or why that writer has none."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from agents.data import texts
from agents.data.asked import Asked, listen
from agents.data.prompting import cannot, read_sql
from agents.data.result import Written, mend, run
from agents.data.writer import TEMPERATURES, Writer, find_writer
from agents.databases.database import QueryFailed
from agents.databases.guard.refused import Refused
from workbench.chat.events import Event
from workbench.errors import NotFound, Unavailable


@dataclass(frozen=True)
class Refusal:
    """Why a writer gives no query, and questions that it was taught."""

    text: str
    taught: Sequence[str]


def answer_by_writer(
    asked: Asked, lineage: dict[str, Any]
) -> Generator[Event, None, Refusal | None]:
    """The answer's events, with the writer in `lineage`; returns why there are none, or None."""
    name = asked.notes.writer
    taught: Sequence[str] = ()
    try:
        writer = find_writer(name, asked.schema, asked.settings)
        taught = writer.examples(asked.question)
        reason = writer.doubts(asked.question)
        if not reason:
            reason = yield from _write_and_run(asked, writer)
    except (Refused, QueryFailed, NotFound, Unavailable) as error:
        reason = f"{texts.in_language(error.problem, asked.language)} "
    if not reason:
        lineage.update(writer.lineage)
        return None
    return Refusal(texts.writer_declines(asked.language, asked.source.name, name, reason), taught)


def _write_and_run(asked: Asked, writer: Writer) -> Generator[Event, None, str]:
    """Run the first query that agrees with the question; returns nothing, or what is wrong."""
    query, reason = yield from _write(asked, writer)
    if query is None:
        return reason
    yield from run(asked, query, [texts.written_by(asked.language, writer.name)])
    return ""


def _write(asked: Asked, writer: Writer) -> Generator[Event, None, tuple[Written | None, str]]:
    """Let the writer try until a query agrees with the question; else what the first one lacks."""
    reasons = []
    for temperature in TEMPERATURES:
        # it is held to the prompt of its training
        model = writer.model.changed(temperature=temperature, system_prompt="")
        text = yield from listen(writer.messages(asked.question), model)
        query = mend(read_sql(writer.query_in(text, asked.question)), asked.schema)
        reason = cannot(text) or writer.disagrees(asked.question, query.sql, asked.schema)
        if not reason:
            return query, ""
        reasons.append(reason)
    return None, reasons[0]
