"""Files -> the documents of a corpus as pieces of text, each small enough to be held in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from finetune.corpus.files import holds_lines, opened
from workbench.errors import InvalidInput
from workbench.messages import say

Documents = Literal["file", "paragraph", "line"]
PIECE = 1 << 16  # characters after which a long document is cut
BREAK = re.compile(r"(?<=[\n。！？!?.])|(?=\n)")
TRIED = 16  # breaks that are tried in a piece before more of the document is read
AROUND = 200  # characters on each side of a cut whose tokens must stay as they are

CanCut = Callable[[str, str], bool]
"""(text before, text after) -> whether the tokens of both are those of the whole."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document; `ends` marks its last one."""

    text: str
    ends: bool = True


def read_pieces(
    files: Sequence[Path], documents: Documents, column: str, can_cut: CanCut
) -> Iterator[Piece]:
    """Every document of the files in their order; blank ones are left out.

    In plain text a document is a file, a paragraph between blank lines, or a line. In JSON lines
    it is the text in `column` of each line. Raises InvalidInput with file and line.
    """
    for path in files:
        with opened(path) as file:
            if holds_lines(path):
                yield from _rows(file, path, column)
            elif documents == "file":
                yield from cut(iter(lambda: file.read(PIECE), ""), can_cut)
            elif documents == "line":
                yield from _whole(line.removesuffix("\n") for line in file)
            else:
                yield from _whole(_paragraphs(file))


def cut(parts: Iterable[str], can_cut: CanCut) -> Iterator[Piece]:
    """One document, read in parts -> pieces whose tokens behind each other are its own."""
    held = ""
    something = False
    for part in parts:
        held += part
        if len(held) < PIECE:
            continue
        at = _place(held, can_cut)
        if at:
            something = True
            yield Piece(held[:at], ends=False)
            held = held[at:]
    if held.strip() or something:
        yield Piece(held)


def _place(text: str, can_cut: CanCut) -> int:
    """Where to cut, in the last part of the text; 0 where no break will do."""
    breaks = [found.start() for found in BREAK.finditer(text, len(text) // 2, len(text) - AROUND)]
    for at in reversed(breaks[-TRIED:]):
        if can_cut(text[at - AROUND : at], text[at : at + AROUND]):
            return at
    return 0


def _whole(texts: Iterable[str]) -> Iterator[Piece]:
    for text in texts:
        if text.strip():
            yield Piece(text)


def _paragraphs(file: IO[str]) -> Iterator[str]:
    """The lines between blank lines, joined."""
    lines: list[str] = []
    for line in file:
        if line.strip():
            lines.append(line)
        elif lines:
            yield "".join(lines).removesuffix("\n")
            lines = []
    if lines:
        yield "".join(lines).removesuffix("\n")


def _rows(file: IO[str], path: Path, column: str) -> Iterator[Piece]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        text = _text_of(line, f"{path}:{number}", column)
        if text.strip():
            yield Piece(text)


def _text_of(line: str, where: str, column: str) -> str:
    """The text of a row. Raises InvalidInput."""
    fix = say(
        'Give each line an object such as {{"{column}": "…"}}, or name another column under '
        "[pretrain].",
        column=column,
    )
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            say("{where} is not valid JSON: {error}", where=where, error=error), fix
        ) from error
    text = row.get(column) if isinstance(row, dict) else None
    if not isinstance(text, str):
        raise InvalidInput(
            say("{where} has no text in the column {column}.", where=where, column=column), fix
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            say("{where} has half of a character (a lone surrogate).", where=where),
            "Write it again.",
        ) from error
    return text
