"""HTML -> paragraphs, list items and table rows under the path of their headings; scripts and styles left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.text import decode
from rag.passages import Block, Locator

LEFT_OUT = {
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "iframe",
    "object",
    "head",
    "button",
    "select",
}
INLINE = {
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "cite",
    "code",
    "data",
    "del",
    "dfn",
    "em",
    "font",
    "i",
    "ins",
    "kbd",
    "label",
    "mark",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "time",
    "tt",
    "u",
    "var",
    "wbr",
}
HEADINGS = {f"h{level}": level for level in range(1, 7)}


def load(path: Path, password: str | None) -> Iterator[Block]:
    yield from blocks(decode(path.read_bytes()))


def blocks(markup: str, above: tuple[str, ...] = ()) -> Iterator[Block]:
    """The visible text of a page, title first."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(markup, "lxml")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    if title and not above:
        yield Block(title, Locator(heading=(title,)))
    reader = _Reader(above)
    yield from reader.read(soup.body or soup)
    yield from reader.flush()


class _Reader:
    """Walks the tree, gathers inline text, and cuts where a block element begins or ends."""

    def __init__(self, above: tuple[str, ...]) -> None:
        self._above = above
        self._path: list[tuple[int, str]] = []
        self._held = ""

    def read(self, node: Any) -> Iterator[Block]:
        from bs4 import Comment, NavigableString, Tag

        for child in node.children:
            if isinstance(child, NavigableString):
                if not isinstance(child, Comment) and type(child) is NavigableString:
                    self._held += str(child)
            elif isinstance(child, Tag):
                yield from self._read_tag(child)

    def _read_tag(self, tag: Any) -> Iterator[Block]:
        name = (tag.name or "").lower()
        if name in LEFT_OUT or tag.has_attr("hidden"):
            return
        if name == "br":
            self._held += "\n"
        elif name in INLINE:
            yield from self.read(tag)
        elif name in ("tr", "pre") or name in HEADINGS:
            yield from self.flush()
            yield from self._whole(tag, name)
        else:
            yield from self.flush()
            yield from self.read(tag)
            yield from self.flush()

    def _whole(self, tag: Any, name: str) -> Iterator[Block]:
        """Elements that are one block: a heading, a table row, preformatted text."""
        if name == "tr":
            if tag.find("tr"):  # a table inside a cell, as in old layouts
                yield from self.read(tag)
                return
            cells = (" ".join(cell.get_text(" ").split()) for cell in tag.find_all(["td", "th"]))
            text = " | ".join(cell for cell in cells if cell)
        else:
            text = tag.get_text() if name == "pre" else " ".join(tag.get_text(" ").split())
        if not text.strip():
            return
        if level := HEADINGS.get(name):
            self._path = [(depth, title) for depth, title in self._path if depth < level] + [
                (level, text)
            ]
        yield self._block(text.strip("\n"))

    def flush(self) -> Iterator[Block]:
        lines = (" ".join(line.split()) for line in self._held.split("\n\n"))
        text = "\n".join(line for line in lines if line)
        self._held = ""
        if text:
            yield self._block(text)

    def _block(self, text: str) -> Block:
        return Block(text, Locator(heading=self._above + tuple(title for _, title in self._path)))
