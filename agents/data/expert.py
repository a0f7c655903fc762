"""A question -> one SELECT through the guard -> table, findings and chart, as a stream of events.

A verified question is answered by its query. Others go to the source's own writer, where it has
one, and what that declines to the connected chat model. Every query passes the guard.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from agents.data import texts
from agents.data.asked import Asked
from agents.data.by_model import answer_by_model
from agents.data.by_writer import Refusal, answer_by_writer
from agents.data.evidence import SAME_QUESTION
from agents.data.examples import MODE
from agents.data.result import mend, run
from agents.databases.introspect import load_schema
from agents.databases.notes import load_notes
from agents.databases.prompt_text import alike, nearest_pairs
from agents.databases.sources import find_source
from agents.question import Question
from workbench.chat.conversations import Turn
from workbench.chat.events import Declined, Done, Event, Suggestions
from workbench.language import language_of
from workbench.models.listing import NONE

SHOWN = 4  # questions offered where there is no answer
CHANGES = re.compile(
    r"^\W*(please )?(delete|drop|remove|truncate|insert|update|alter)\b"
    r"|删除|删掉|清空|插入|改成|修改",
    re.I,
)


def answer_from_data(question: Question, verified: bool = True) -> Iterator[Event]:
    """Query, table, findings and chart, then Done. Closing the iterator stops the query.

    Verified pairs answer their questions unless `verified` is False, as when a model is measured.
    """
    begun = time.monotonic()
    source = find_source(question.settings, question.settings.source)
    lineage: dict[str, Any] = {"source": source.name, "dialect": source.dialect}
    model = question.model
    settings = question.settings
    name = NONE
    if model is not None:
        settings = model.settings
        name = model.name
        lineage |= {"model": name, "digest": model.info.digest}
    schema = load_schema(source, settings)
    lineage["schema"] = schema.digest
    asked = Asked(
        question=question.text,
        language=question.language,
        source=source,
        schema=schema,
        notes=load_notes(source, settings),
        settings=settings,
        model=model,
    )
    answered = False
    if verified and not question.leans:
        answered = yield from _answer_by_pair(asked, lineage)
    if not answered:
        yield from _answer_by_query(asked, question.history, lineage)
    yield Done(lineage.get("writer", name), time.monotonic() - begun, 0, lineage)


def _answer_by_pair(asked: Asked, lineage: dict[str, Any]) -> Generator[Event, None, bool]:
    """The answer by the query of a verified pair; returns whether one asks the same."""
    nearest = nearest_pairs(asked.question, asked.notes.pairs)
    if not nearest or alike(asked.question, nearest[0]["question"]) < SAME_QUESTION:
        return False
    lineage["verified_question"] = nearest[0]["question"]
    yield from run(asked, mend(nearest[0]["sql"], asked.schema))
    return True


def _answer_by_query(
    asked: Asked, history: Sequence[Turn], lineage: dict[str, Any]
) -> Iterator[Event]:
    """By the source's own writer, else by the chat model, else why there is no answer."""
    refusal: Refusal | None = None
    if asked.notes.writer:
        refusal = yield from answer_by_writer(asked, lineage)
        if refusal is None:
            return
    if asked.model is not None:
        yield from answer_by_model(asked, asked.model, history, lineage)
        return
    reason = refusal.text if refusal else texts.no_model(asked.language, asked.source.name)
    if CHANGES.search(asked.question):
        reason = f"{texts.nothing_changed(asked.language)} {reason}"
    yield Declined(reason)
    questions = _answered_without_model(asked, refusal.taught if refusal else ())
    if questions:
        yield Suggestions([(MODE, question) for question in questions])


def _answered_without_model(asked: Asked, taught: Sequence[str]) -> list[str]:
    """Questions to ask instead, of this one's language; those of any language where it has none."""
    pairs = nearest_pairs(asked.question, asked.notes.pairs) or asked.notes.pairs
    known = [*taught, *(pair["question"] for pair in pairs)]
    same = [question for question in known if language_of(question) == asked.language]
    return list(dict.fromkeys(same or known))[:SHOWN]
