"""Markdown -> paragraphs under the path of their headings, with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rag.loaders.headings import HeadingPath
from rag.loaders.text import decode, paragraphs
from rag.passages import Block, Locator

HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
FENCE = re.compile(r"\s*(```|~~~)")


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The paragraphs and headings of the file."""
    yield from blocks(decode(path.read_bytes()))


def blocks(text: str, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """Each heading is a block of its own, so that it can be found.

    A `#` inside a code fence is no heading. `above` are headings over the text, if any.
    """
    headings = HeadingPath(above)
    lines: list[str] = []
    start = 1
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        yield from paragraphs("\n".join(lines), start, headings.titles)
        lines = []
        start = number + 1
        headings.enter(len(heading[1]), heading[2])
        yield Block(heading[2], Locator(heading=headings.titles, line=number))
    yield from paragraphs("\n".join(lines), start, headings.titles)
