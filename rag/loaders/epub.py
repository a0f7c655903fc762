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
    order = [item.get("idref") for item in root.xpath("//*[local-name()='itemref']")]
    folder = posixpath.dirname(package)
    names = [
        posixpath.normpath(posixpath.join(folder, unquote(files[name])))
        for name in order
        if files.get(name)
    ]
    there = set(archive.namelist())
    return [name for name in names if name in there]
