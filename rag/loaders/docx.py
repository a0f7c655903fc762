"""Word documents -> paragraphs and table rows under the path of their headings."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.headings import HeadingPath
from rag.loaders.rows import rows_as_text
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say

STYLE = re.compile(r"(?:heading|标题|title)\s*(\d*)", re.I)  # a heading's style, with its level


def load(path: Path, password: str | None) -> Iterator[Block]:
    """Paragraphs and table rows in reading order."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table

    try:
        document = docx.Document(str(path))
    except (PackageNotFoundError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidInput(
            say("The document is damaged: {error}", error=error),
            "Open it in Word and save it again.",
        ) from error
    headings = HeadingPath()
    for part in document.iter_inner_content():
        if isinstance(part, Table):
            for block in rows_as_text(_rows(part)):
                yield Block(block.text, Locator(heading=headings.titles))
            continue
        text = part.text.strip()
        if not text:
            continue
        match = STYLE.match(_style_name(part))
        if match:
            headings.enter(int(match[1] or 0), text)
        yield Block(text, Locator(heading=headings.titles))


def _style_name(paragraph: Any) -> str:
    return (paragraph.style.name or "") if paragraph.style else ""


def _rows(table: Any) -> Iterator[list[str]]:
    """Rows of a table; a merged cell counts once."""
    for row in table.rows:
        distinct: list[Any] = []
        for cell in row.cells:
            # python-docx repeats a merged cell for each column that it spans
            if not distinct or cell._tc is not distinct[-1]._tc:
                distinct.append(cell)
        yield [cell.text for cell in distinct]
