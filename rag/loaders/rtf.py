"""Rich text -> paragraphs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag.loaders.text import paragraphs
from rag.passages import Block
from workbench.errors import InvalidInput
from workbench.messages import say


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The paragraphs, without lines: those of the file are no lines of the text."""
    from striprtf.striprtf import rtf_to_text

    try:
        text = rtf_to_text(path.read_bytes().decode("latin-1"), errors="ignore")
    except (ValueError, IndexError, LookupError) as error:
        raise InvalidInput(
            say("The document is damaged: {error}", error=error), "Open it and save it again."
        ) from error
    for block in paragraphs(text.replace("\n", "\n\n")):
        yield Block(block.text)
