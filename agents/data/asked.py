"""What one answer from a database works with, and a model's reply to its messages."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

from agents.databases.notes import Notes
from agents.databases.runner import BEAT
from agents.databases.schema import Schema
from agents.databases.sources import DataSource
from workbench.chat.events import Beat, Event, Thought
from workbench.models.chosen import ChosenModel
from workbench.models.reasoning import split_stream
from workbench.settings import Settings
from workbench.tracing import span


@dataclass(frozen=True)
class Asked:
    """One question and what it is answered with. `language` is the question's, `en` or `zh`.

    `model` is the connected chat model, None without one; `settings` are within its context.
    """

    question: str
    language: str
    source: DataSource
    schema: Schema
    notes: Notes
    settings: Settings
    model: ChosenModel | None


def listen(messages: list[tuple[str, str]], model: ChosenModel) -> Generator[Event, None, str]:
    """The model's thinking as events; returns its answer. Raises what the stream raises."""
    text = ""
    last_beat = time.monotonic()
    with span("write query", model=model.name):
        for event in split_stream(model.stream(messages)):
            if isinstance(event, Thought):
                yield event
                continue
            text += event.text
            if time.monotonic() - last_beat > BEAT:
                last_beat = time.monotonic()
                yield Beat()
    return text
