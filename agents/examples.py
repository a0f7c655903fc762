"""A workspace -> three questions to begin with, about what its documents, databases and tuned models really hold."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import chain, islice, zip_longest
from typing import NamedTuple

from agents.databases.notes import load_notes
from agents.databases.sources import find_source
from agents.tuned.agent import tuned_model
from rag.store import open_collection
from workbench.artefacts.run_folder import taught_by
from workbench.errors import NotFound, WorkbenchError
from workbench.language import language_of
from workbench.settings import Settings

ASK = {"en": "What does it say about “{topic}”?", "zh": "关于“{topic}”有哪些规定？"}
READ = 20  # documents looked into
SHORT = 60  # characters of a question that fits a button


class Example(NamedTuple):
    """A question, and the mode of the agent that has its answer."""

    mode: str
    question: str


def example_questions(settings: Settings, language: str, count: int = 3) -> list[Example]:
    """One of each agent that has something to answer from, then more of them in turn; the reader's language first."""
    asked = {"documents": _of_documents, "data": _of_data, "tuned": _of_tuned}
    rows = [
        [
            Example(mode, question)
            for question in sorted(find(settings), key=lambda text: language_of(text) != language)
        ]
        for mode, find in asked.items()
    ]
    in_turn: Iterable[Example | None] = chain.from_iterable(zip_longest(*rows))
    return list(islice((example for example in in_turn if example), count))


def _of_documents(settings: Settings) -> Iterator[str]:
    """A heading of each document, the same ones on every visit."""
    try:
        collection = open_collection(settings, settings.collection)
    except NotFound:
        return
    documents = [
        document.source for document in collection.documents() if document.state == "indexed"
    ]
    chance = random.Random(collection.name)  # noqa: S311 – the same on every visit
    chance.shuffle(documents)
    for source in documents[:READ]:
        passages = collection.document(source)[1:]
        if headings := [
            passage.locator.heading[-1] for passage in passages if passage.locator.heading
        ]:
            topic = chance.choice(headings)
            yield ASK[language_of(topic)].format(topic=topic)


def _of_data(settings: Settings) -> list[str]:
    """The questions of the chosen source whose queries are verified."""
    try:
        return [
            pair["question"]
            for pair in load_notes(find_source(settings, settings.source), settings).pairs
        ]
    except WorkbenchError:  # none, or several of which none is chosen
        return []


def _of_tuned(settings: Settings) -> list[str]:
    """Questions that the tuned model was trained on, one for each answer."""
    try:
        taught = taught_by(tuned_model(settings), settings)
    except WorkbenchError:
        return []
    by_answer: dict[str, str] = {}
    for question, answer in taught:
        if len(question) <= SHORT:
            by_answer.setdefault(answer, question)
    return list(by_answer.values())
