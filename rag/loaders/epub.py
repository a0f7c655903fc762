"""E-books -> the paragraphs of their chapters, in the order of the spine."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from rag.loaders import html
from rag.loaders.text import decode
from rag.passages import Block
from workbench.errors import InvalidInput
from workbench.messages import say


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The chapters' blocks in reading order."""
    try:
        with zipfile.ZipFile(path) as archive:
            for chapter in _spine(archive):
                yield from html.blocks(decode(archive.read(chapter)))
    except (zipfile.BadZipFile, KeyError, RuntimeError) as error:
        raise InvalidInput(
            say("The book is damaged or protected: {error}", error=error),
            "Export it again without protection.",
        ) from error


def _spine(archive: zipfile.ZipFile) -> list[str]:
    """Names of the chapters' files in reading order."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    container = etree.fromstring(archive.read("META-INF/container.xml"), parser)
    package = container.xpath("string(//*[local-name()='rootfile']/@full-path)")
    root = etree.fromstring(archive.read(package), parser)
    files = {item.get("id"): item.get("href") for item in root.xpath("//*[local-name()='item']")}
    folder = posixpath.dirname(package)
    existing = set(archive.namelist())
    chapters: list[str] = []
    for item in root.xpath("//*[local-name()='itemref']"):
        href = files.get(item.get("idref"))
        if not href:
            continue
        name = posixpath.normpath(posixpath.join(folder, unquote(href)))
        if name in existing:
            chapters.append(name)
    return chapters
