"""A collection -> the whole text of each of its documents, for other programs to learn from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rag.store import Collection
from workbench.artefacts.data_set import write_lines
from workbench.errors import Conflict, InvalidInput
from workbench.messages import say


def document_texts(collection: Collection) -> Iterator[tuple[str, str]]:
    """(name of the file, its text as it was read) of each document that has text."""
    for document in collection.documents():
        passages = collection.document(document.source)
        if passages:
            text = "\n".join(passage.text for passage in passages)  # each has its part once
            yield Path(document.source).name, text


def write_texts(collection: Collection, path: Path, *, replace: bool = False) -> int:
    """{"text", "title"} of each document as a line of JSON; returns how many.

    Raises InvalidInput for a collection without text, Conflict for a file that exists.
    """
    if path.exists() and not replace:
        raise Conflict(say("{path} exists already.", path=path), "Name another, or add --replace.")
    if not collection.count():
        raise InvalidInput(
            say("The collection {name} holds no text.", name=collection.name),
            "Read files into it first.",
        )
    lines = [
        json.dumps({"text": text, "title": title}, ensure_ascii=False)
        for title, text in document_texts(collection)
    ]
    write_lines(path, lines)
    return len(lines)
