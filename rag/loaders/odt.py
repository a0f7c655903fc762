"""OpenDocument text -> paragraphs under the path of their headings."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.headings import HeadingPath
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def load(path: Path, password: str | None) -> Iterator[Block]:
    """Headings and paragraphs in reading order."""
    headings = HeadingPath()
    for element in _root(path).iter(f"{TEXT}h", f"{TEXT}p"):
        text = " ".join("".join(element.itertext()).split())
        if not text:
            continue
        if element.tag == f"{TEXT}h":
            headings.enter(int(element.get(f"{TEXT}outline-level", "1")), text)
        yield Block(text, Locator(heading=headings.titles))


def _root(path: Path) -> Any:
    """The document's tree. Raises InvalidInput for an encrypted or damaged one."""
    from lxml import etree

    try:
        with zipfile.ZipFile(path) as archive:
            if b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise InvalidInput(
                    "The document is encrypted with a password.",
                    "Save it without the password, then add it again.",
                )
            parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
            return etree.fromstring(archive.read("content.xml"), parser)
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError) as error:
        raise InvalidInput(
            say("The document is damaged: {error}", error=error), "Open it and save it again."
        ) from error
