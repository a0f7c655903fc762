"""A question and the turns before it -> the answer by a query that the chat model writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from agents.data import texts
from agents.data.asked import Asked, listen
from agents.data.confirming import confirm, wants_confirmation
from agents.data.prompting import cannot, read_sql, sql_messages
from agents.data.result import execute, mend, show
from agents.databases.database import QueryFailed
from agents.databases.guard.refused import NoSelect, Refused
from agents.databases.introspect import load_schema
from agents.databases.linking import Linked, link
from agents.databases.sources import source_folder
from workbench.chat.conversations import Turn
from workbench.chat.events import Declined, Event, Token
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.models.chosen import ChosenModel

ATTEMPTS = 3  # the first and two corrections
CONTEXT = 4  # questions before that a follow-up may lean on


def answer_by_model(
    asked: Asked, model: ChosenModel, history: Sequence[Turn], lineage: dict[str, Any]
) -> Iterator[Event]:
    """Ask the model for a query and run it; ask again with what was wrong with it.

    Raises InvalidInput when the last attempt failed too.
    """
    linked = _link(asked, history)
    lineage["tables"] = list(linked.schema.by_name)
    notices = []
    if not linked.spans:
        notices.append(texts.whole_schema_given(asked.language))
        lineage["whole_schema"] = True
    messages = _messages(asked, linked, history)
    for attempt in range(ATTEMPTS):
        text = yield from listen(messages, model)
        reason = cannot(text)
        if reason:
            yield Declined(texts.no_table_answers(asked.language, asked.source.name, reason))
            return
        sql = read_sql(text)
        try:
            ran = yield from execute(asked, mend(sql, asked.schema))
            break
        except (Refused, QueryFailed) as error:
            if attempt == ATTEMPTS - 1:
                yield from _give_up(asked, error)
                return
            problem = error
        if isinstance(problem, QueryFailed):
            # the tables may have changed since their schema was read
            fresh = load_schema(asked.source, asked.settings, refresh=True)
            if fresh != asked.schema:
                asked = replace(asked, schema=fresh)
                messages = _messages(asked, _link(asked, history), history)
        correction = texts.try_again(asked.language, problem.problem, problem.fix)
        messages = [*messages, ("assistant", sql), ("user", correction)]
    if wants_confirmation(model):
        confirmed = yield from confirm(asked, model, _messages(asked, linked, history), ran)
        ran = confirmed.ran
        lineage["queries"] = confirmed.written
        notices.append(confirmed.notice(asked.language))
    yield from show(asked, ran, notices)


def _link(asked: Asked, history: Sequence[Turn]) -> Linked:
    """The part of the schema that the question, or one it may follow up, is about."""
    before = [turn.content for turn in history if turn.role == "user"]
    wanted = " ".join([*before[-CONTEXT:], asked.question])
    folder = source_folder(asked.settings, asked.source)
    return link(wanted, asked.schema, asked.settings, folder)


def _messages(asked: Asked, linked: Linked, history: Sequence[Turn]) -> list[tuple[str, str]]:
    return sql_messages(asked.question, linked.schema, asked.notes.pairs, history, asked.settings)


def _give_up(asked: Asked, error: InvalidInput) -> Iterator[Event]:
    """Say that nothing is changed here where that was wanted; else raise what went wrong."""
    if isinstance(error, NoSelect):
        yield Token(texts.only_reads(asked.language, error.problem))
        return
    raise InvalidInput(
        say(
            "No query for this question could be run on “{source}”. "
            "The last attempt failed: {problem}",
            source=asked.source.name,
            problem=error.problem,
        ),
        error.fix,
    ) from error
