"""The chosen collections -> questions to begin with, each about a heading of one document."""

from __future__ import annotations

import random
from collections.abc import Iterator

from agents.examples import quoted
from rag.pool import open_pool
from rag.store import list_collections
from workbench.errors import WorkbenchError
from workbench.language import language_of, localized
from workbench.settings import Settings

READ = 20  # documents looked into


def questions_about_documents(settings: Settings) -> Iterator[str]:
    """One question a document, in the document's language. The same ones on every visit."""
    try:
        pool = open_pool(settings, settings.collections)
    except WorkbenchError:  # none is chosen, or one was deleted
        return
    sources = []
    for collection in pool.collections:
        sources += [(collection, source) for source in collection.sources()]
    chance = random.Random(pool.name)  # noqa: S311 - the same on every visit
    for collection, source in chance.sample(sources, min(READ, len(sources))):
        headings = []
        for passage in collection.document(source)[1:]:  # the first heading is the document's title
            if passage.locator.heading:
                headings.append(passage.locator.heading[-1])
        if headings:
            yield _ask_about(chance.choice(headings))


def name_collections(settings: Settings, language: str) -> str:
    """The collections that hold something, the chosen one first; empty for none."""
    names = []
    for collection in list_collections(settings):
        if collection.count():
            names.append(collection.name)
    names.sort(key=lambda name: name not in settings.collections)
    listed = quoted(names, language)
    return localized(language, f"the documents in {listed}", f"{listed}中的文档") if names else ""


def _ask_about(topic: str) -> str:
    return localized(
        language_of(topic),
        f"What does it say about “{topic}”?",
        f"关于“{topic}”有哪些规定？",
    )
