"""Documents of a restored workspace -> their new places; then the indexes that a backup has not."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rag.catalogue import STORE, move_sources, sources_of
from rag.chroma import close_client
from rag.lexical_files import lexical_index
from rag.store import list_collections
from workbench.backup.moving import Move, elsewhere
from workbench.messages import Message, say
from workbench.settings import Settings
from workbench.terminal import Report

BUILDING = "Building the indexes of the documents"


def move_documents(move: Move) -> Iterator[Message]:
    """Documents that lie in the workspace move with it; a sentence names what lies elsewhere.

    Their passages answer all the same: the file is only needed to read it again.
    """
    path = move.home / STORE.name
    if not path.exists():
        return
    move_sources(path, move.old, move.new)
    for collection, sources in sources_of(path).items():
        missing = [one for one in sources if move.is_missing(one)]
        yield from elsewhere(say("the collection {name}", name=collection), missing)


def build_indexes(settings: Settings, report: Report) -> None:
    """Chroma's index and the lexical ones, from the vectors and texts of the catalogue.

    Where this is broken off, the next question goes on with it. A Chroma server is left alone
    until then, and so is a catalogue of an older version: opening it would bring it up to date.
    """
    path = settings.home / STORE.name
    if not path.exists() or settings.chroma_url or STORE.version_of(path) < STORE.newest:
        return
    begun = time.monotonic()
    collections = list_collections(settings, hidden=True)
    for number, collection in enumerate(collections):
        seconds = round(time.monotonic() - begun, 2)
        event = {"event": "progress", "stage": BUILDING, "done": number, "of": len(collections)}
        report(event | {"seconds": seconds, "detail": collection.name})
        with collection.writing():
            lexical_index(collection)
    close_client(settings)
