"""A collection -> three questions to begin with, made of what its documents really speak of."""

from __future__ import annotations

import random

from rag.lexical import script
from rag.store import open_collection
from workbench.errors import NotFound
from workbench.settings import Settings

ASK = {"en": "What does it say about “{topic}”?", "zh": "关于“{topic}”有哪些规定？"}


def example_questions(settings: Settings, language: str, count: int = 3) -> list[str]:
    """Questions about headings of the collection, those in the reader's language first; none for an empty one."""
    try:
        collection = open_collection(settings, settings.collection)
    except NotFound:
        return []
    topics: dict[str, str] = {}  # document -> topic
    documents = [document.source for document in collection.documents() if document.state == "indexed"]
    chance = random.Random(collection.name)  # noqa: S311 – the same three on every visit
    chance.shuffle(documents)
    for source in documents[:20]:
        headings = [
            passage.locator.heading[-1] for passage in collection.document(source)[1:] if passage.locator.heading
        ]
        if headings:
            topics[source] = chance.choice(headings)
    ordered = sorted(topics.values(), key=lambda topic: script(topic) != language)
    return [ASK[script(topic)].format(topic=topic) for topic in ordered[:count]]
