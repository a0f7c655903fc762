"""A question -> the SQL expert's answer: the row's entry, so that the expert knows no registry."""

from __future__ import annotations

from collections.abc import Iterator

from agents.data.expert import answer_from_data
from agents.question import Question
from workbench.chat.events import Event
from workbench.models.listing import NONE


def answer_by_query(question: Question) -> Iterator[Event]:
    """Query, table, findings and chart, then Done. Raises WorkbenchError."""
    model = question.model
    if model is None:
        settings = question.settings.model_copy(update={"model": NONE})
    else:  # by its name, so that the expert does not look for one again
        settings = model.settings.model_copy(update={"model": model.name})
    yield from answer_from_data(question.text, question.history, settings)
