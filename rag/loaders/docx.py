"""Word documents -> paragraphs and table rows under the path of their headings."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.rows import rows_as_text
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say

LEVEL = re.compile(r"(?:heading|标题|title)\s*(\d*)", re.I)


def load(path: Path, password: str | None) -> Iterator[Block]:
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
    headings: list[tuple[int, str]] = []
    for part in document.iter_inner_content():
        if isinstance(part, Table):
            heading = tuple(title for _, title in headings)
            for block in rows_as_text(_cells(part)):
                yield Block(block.text, Locator(heading=heading))
            continue
        if not (text := part.text.strip()):
            continue
        if match := LEVEL.match((part.style.name if part.style else "") or ""):
            level = int(match[1] or 0)
            headings = [(depth, title) for depth, title in headings if depth < level] + [
                (level, text)
            ]
        yield Block(text, Locator(heading=tuple(title for _, title in headings)))


def _cells(table: Any) -> Iterator[list[str]]:
    """Rows of a table; a merged cell counts once."""
    for row in table.rows:
        seen: list[Any] = []
        for cell in row.cells:
            if not seen or cell._tc is not seen[-1]._tc:
                seen.append(cell)
        yield [cell.text for cell in seen]
