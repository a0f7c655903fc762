"""Blocks of a document -> passages as long as an embedder reads, cut where the text pauses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from rag.passages import Block, Locator, Passage
from workbench.language import language_of

# characters; an English token has about four, a Chinese one about one and a half, and the
# packaged embedder reads 256 tokens
LONGEST = {"en": 900, "zh": 380}
SMALL = 60  # characters that say too little by themselves: a title, a heading
PAUSES = [  # from the longest pause to the shortest: lines, sentences, clauses, words
    re.compile(r"(?<=\n)"),
    re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？；])"),
    re.compile(r"(?<=[,;:])\s+|(?<=[，、：])"),
    re.compile(r"(?<=\s)"),
]


def split(blocks: Iterable[Block], source: str) -> list[Passage]:
    """Passages of one document, in order; all of its text is in them, once.

    Small blocks of one heading, page and sheet are packed together. A long block is cut at line
    ends, then sentences, then clauses, then words. A passage has the place of its first block,
    and the heading of most of its text.
    """
    passages: list[Passage] = []
    for text, locator in _pack(blocks):
        position = len(passages)
        digest = hashlib.sha256(f"{source}\n{position}\n{text}".encode()).hexdigest()
        passages.append(Passage(digest[:24], text, source, position, locator))
    return passages


def _pack(blocks: Iterable[Block]) -> Iterator[tuple[str, Locator]]:
    """(text, place) of each passage: pieces joined as long as they fit and belong together."""
    pieces: list[str] = []
    place = Locator()
    for block in blocks:
        for piece, line in _pieces(block):
            if pieces and not _fits(pieces, place, piece, block.locator):
                yield "\n".join(pieces), place
                pieces = []
            if not pieces:
                place = _at(block.locator, line)
            elif len(block.locator.heading) > len(place.heading):
                # a bare title takes the heading of the text under it
                place = Locator(place.page, place.sheet, block.locator.heading, place.line)
            pieces.append(piece)
    if pieces:
        yield "\n".join(pieces), place


def _fits(pieces: list[str], place: Locator, piece: str, other: Locator) -> bool:
    """Whether another piece may join the passage that began at `place`."""
    packed = sum(len(part) + 1 for part in pieces)
    longest = _longest(" ".join([*pieces, piece]))
    return packed + len(piece) <= longest and _together(place, other, packed)


def _together(first: Locator, other: Locator, packed: int) -> bool:
    """Whether two places belong into one passage, which has `packed` characters so far.

    Page and sheet must be the same. A new heading begins a new passage, unless the passage is so
    short (a title, a heading alone) that it says nothing by itself.
    """
    if (first.page, first.sheet) != (other.page, other.sheet):
        return False
    if first.heading == other.heading:
        return True
    under_first = other.heading[: len(first.heading)] == first.heading
    return packed < SMALL and under_first


def _at(place: Locator, line: int | None) -> Locator:
    return Locator(place.page, place.sheet, place.heading, line)


def _pieces(block: Block) -> Iterator[tuple[str, int | None]]:
    """The block's text in pieces that each fit, with the line on which each begins."""
    line = block.locator.line
    for piece in _cut(block.text, _longest(block.text)):
        if piece.strip():
            yield piece.strip("\n "), line
        if line is not None:
            line += piece.count("\n")


def _longest(text: str) -> int:
    return LONGEST[language_of(text)]


def _cut(text: str, longest: int, depth: int = 0) -> list[str]:
    """Greedy runs of parts up to `longest`; a part that is too long is cut at shorter pauses."""
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
    """The text cut after each pause; nothing is lost."""
    parts: list[str] = []
    start = 0
    for match in pause.finditer(text):
        if match.end() > start:
            parts.append(text[start : match.end()])
            start = match.end()
    if start < len(text):
        parts.append(text[start:])
    return parts
