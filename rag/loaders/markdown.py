"""Markdown -> paragraphs under the path of their headings, with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rag.loaders.text import decode, paragraphs
from rag.passages import Block, Locator

HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
FENCE = re.compile(r"\s*(```|~~~)")


def load(path: Path, password: str | None) -> Iterator[Block]:
    yield from blocks(decode(path.read_bytes()))


def blocks(text: str, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """Each heading is a block of its own, so that it can be found; a `#` inside a code fence is no heading."""
    path: list[tuple[int, str]] = []
    held: list[str] = []
    start, fenced = 1, False

    def flush() -> Iterator[Block]:
        heading = above + tuple(title for _, title in path)
        yield from paragraphs("\n".join(held), start, heading)
        held.clear()

    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        match = None if fenced else HEADING.match(line)
        if not match:
            if not held:
                start = number
            held.append(line)
            continue
        yield from flush()
        level = len(match[1])
        path = [(depth, title) for depth, title in path if depth < level] + [(level, match[2])]
        yield Block(
            match[2], Locator(heading=above + tuple(title for _, title in path), line=number)
        )
    yield from flush()
