"""HTML -> paragraphs, list items and table rows under the path of their headings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.headings import HeadingPath
from rag.loaders.text import decode
from rag.passages import Block, Locator

_INVISIBLE = "script style noscript template svg iframe object head button select"
_INLINE = (
    "a abbr b bdi bdo cite code data del dfn em font i ins kbd label mark q rp rt ruby s samp small"
    " span strong sub sup time tt u var wbr"
)
LEFT_OUT = frozenset(_INVISIBLE.split())
INLINE = frozenset(_INLINE.split())
HEADINGS = {f"h{level}": level for level in range(1, 7)}


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The visible text of the page."""
    yield from blocks(decode(path.read_bytes()))


def blocks(markup: str, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """The visible text of a page, title first. `above` are headings over the page, if any."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(markup, "lxml")
    title = _one_line(soup.title.get_text()) if soup.title else ""
    if title and not above:
        yield Block(title, Locator(heading=(title,)))
    reader = _Reader(above)
    yield from reader.read(soup.body or soup)
    yield from reader.flush()


class _Reader:
    """Walks the tree, gathers inline text, and cuts where a block element begins or ends."""

    def __init__(self, above: tuple[str, ...]) -> None:
        self._headings = HeadingPath(above)
        self._text = ""  # inline text since the last block

    def read(self, node: Any) -> Iterator[Block]:
        from bs4 import NavigableString, Tag

        for child in node.children:
            if type(child) is NavigableString:  # its subclasses are comments, CDATA, doctypes
                self._text += str(child)
            elif isinstance(child, Tag):
                yield from self._read_tag(child)

    def flush(self) -> Iterator[Block]:
        """The text gathered so far as one block."""
        lines = [_one_line(line) for line in self._text.split("\n\n")]
        text = "\n".join(line for line in lines if line)
        self._text = ""
        if text:
            yield self._block(text)

    def _read_tag(self, tag: Any) -> Iterator[Block]:
        name = (tag.name or "").lower()
        if name in LEFT_OUT or tag.has_attr("hidden"):
            return
        if name == "br":
            self._text += "\n"
        elif name in INLINE:
            yield from self.read(tag)
        else:
            yield from self.flush()
            yield from self._read_block(tag, name)
            yield from self.flush()

    def _read_block(self, tag: Any, name: str) -> Iterator[Block]:
        """A heading, a table row or preformatted text is one block; others are read inside."""
        if name == "tr" and not tag.find("tr"):  # a row with a table in a cell is old layout
            text = _row(tag)
        elif name == "pre":
            text = tag.get_text().strip("\n")
        elif name in HEADINGS:
            text = _one_line(tag.get_text(" "))
            if text:
                self._headings.enter(HEADINGS[name], text)
        else:
            yield from self.read(tag)
            return
        if text.strip():
            yield self._block(text)

    def _block(self, text: str) -> Block:
        return Block(text, Locator(heading=self._headings.titles))


def _row(tag: Any) -> str:
    cells = [_one_line(cell.get_text(" ")) for cell in tag.find_all(["td", "th"])]
    return " | ".join(cell for cell in cells if cell)


def _one_line(text: str) -> str:
    return " ".join(text.split())
