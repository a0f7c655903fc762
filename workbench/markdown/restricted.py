"""Markdown from elsewhere -> Markdown that a page or a file may hold: the one sanitizer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from workbench.markdown.blocks import Blocks
from workbench.markdown.characters import legible, shortened
from workbench.markdown.escaping import as_code, as_text, escaped, lines_escaped
from workbench.markdown.reading import read_markdown

NONE: Mapping[str, str] = {}
CODE = re.compile(r"`([^`\n]+)`")


def restricted(
    text: str,
    citations: Mapping[str, str] = NONE,
    tell: Callable[[str], str] = str,
    portable: bool = False,
) -> list[str]:
    """The text's blocks, printed from its tree: what is not printed cannot be there.

    `citations` are the numbers in brackets that lead to a place in the page: "1" -> "passage-1".
    `tell` says in the reader's language what was left out. `portable` is for any reader of
    Markdown, else the blocks are for Streamlit's.
    """
    kept, left_out = shortened(legible(text), tell)  # a code is longer than its character
    blocks = Blocks(citations, tell, portable).printed(read_markdown(kept).children)
    return [*blocks, as_text(left_out, portable)] if left_out else blocks


def plain_text(text: str, tell: Callable[[str], str] = str, portable: bool = False) -> str:
    """The text as it stands, with what was left out of a huge one."""
    kept, left_out = shortened(legible(text), tell)
    return as_text(f"{kept} … {left_out}" if left_out else kept, portable)


def text_with_code(text: str, tell: Callable[[str], str] = str) -> str:
    """One of our own messages: what stands between two backticks is code, all else is text."""
    kept, left_out = shortened(tell(text), tell)
    pieces = CODE.split(f"{kept} … {left_out}" if left_out else kept)
    printed = [
        as_code(piece) if place % 2 else escaped(legible(piece))
        for place, piece in enumerate(pieces)
    ]
    return lines_escaped("".join(printed))
