"""XML of any kind (feeds, exports, drawings) -> the text of its elements, one block each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag.loaders import html
from rag.loaders.text import decode, paragraphs
from rag.passages import Block


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The text in and after each element; what is no XML is read as plain text."""
    from lxml import etree

    text = decode(path.read_bytes())
    # no entities, no network, no unbounded trees: the file may come from anybody
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.fromstring(_without_declaration(text).encode("utf-8"), parser)
    if root is None:
        yield from paragraphs(text)
        return
    for element in root.iter(etree.Element):
        for piece in (element.text, element.tail):
            if piece and piece.strip():
                yield from _blocks(piece.strip())


def _blocks(text: str) -> Iterator[Block]:
    """Feeds carry HTML inside their elements."""
    if "</" in text or "/>" in text:
        yield from html.blocks(text, above=("",))  # a heading above: the title is no title
    else:
        yield Block(" ".join(text.split()))


def _without_declaration(text: str) -> str:
    """lxml refuses a declared encoding once the text is decoded."""
    text = text.lstrip("\ufeff \r\n\t")
    return text.partition("?>")[2] if text.startswith("<?xml") else text
