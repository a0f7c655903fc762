"""Blocks of a document -> passages of about the length that an embedder reads, cut where the text itself pauses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from rag.passages import Block, Locator, Passage
from workbench.language import language_of

# characters; an English token has about four, a Chinese one about one and a half, and the embedder reads 256
LONGEST = {"en": 900, "zh": 380}
SMALL = 60
PAUSES = [
    re.compile(r"(?<=\n)"),
    re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？；])"),
    re.compile(r"(?<=[,;:])\s+|(?<=[，、：])"),
    re.compile(r"(?<=\s)"),
]


def split(blocks: Iterable[Block], source: str) -> list[Passage]:
    """Passages of one document, in order; all of its text is in them, once.

    Small blocks under one heading are packed together, as long as page and sheet are the same; a long one is cut
    at line ends, then sentences, then clauses, then words. A passage's locator is that of its first block, under
    the heading that most of it stands under.
    """
    passages: list[Passage] = []
    for text, locator in _pack(blocks):
        name = hashlib.sha256(f"{source}\n{len(passages)}\n{text}".encode()).hexdigest()[:24]
        passages.append(Passage(name, text, source, len(passages), locator))
    return passages


def _pack(blocks: Iterable[Block]) -> Iterator[tuple[str, Locator]]:
    held: list[str] = []
    place = Locator()
    for block in blocks:
        for piece, line in _pieces(block):
            size = sum(len(part) + 1 for part in held) + len(piece)
            if held and (
                size > _longest(" ".join([*held, piece]))
                or not _together(place, block.locator, size - len(piece))
            ):
                yield "\n".join(held), place
                held = []
            if not held:
                place = Locator(
                    block.locator.page, block.locator.sheet, block.locator.heading, line
                )
            elif len(block.locator.heading) > len(
                place.heading
            ):  # a bare title gives way to what it heads
                place = Locator(place.page, place.sheet, block.locator.heading, place.line)
            held.append(piece)
    if held:
        yield "\n".join(held), place


def _together(first: Locator, other: Locator, held: int) -> bool:
    """Whether a block may join the passage that began at `first` and holds so many characters.

    Page and sheet must be the same. A new heading begins a new passage, unless so little is held (a title, a
    heading alone) that it says nothing by itself.
    """
    if (first.page, first.sheet) != (other.page, other.sheet):
        return False
    return first.heading == other.heading or (
        held < SMALL and other.heading[: len(first.heading)] == first.heading
    )


def _pieces(block: Block) -> Iterator[tuple[str, int | None]]:
    """The block's text in pieces that each fit, with the line that each begins on."""
    line = block.locator.line
    for piece in _cut(block.text, _longest(block.text), 0):
        if piece.strip():
            yield piece.strip("\n "), line
        if line is not None:
            line += piece.count("\n")


def _longest(text: str) -> int:
    return LONGEST[language_of(text)]


def _cut(text: str, longest: int, depth: int) -> list[str]:
    """Greedy runs of parts up to `longest`; a part that is itself too long is cut at the next finer pause."""
    if len(text) <= longest:
        return [text]
    if depth == len(PAUSES):
        return [text[start : start + longest] for start in range(0, len(text), longest)]
    runs: list[str] = []
    for part in _parts(text, PAUSES[depth]):
        if runs and len(runs[-1]) + len(part) <= longest:
            runs[-1] += part
        elif len(part) <= longest:
            runs.append(part)
        else:
            runs += _cut(part, longest, depth + 1)
    return runs


def _parts(text: str, pause: re.Pattern[str]) -> list[str]:
    """The text cut after each pause, nothing lost."""
    ends = [match.end() for match in pause.finditer(text)] + [len(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]
