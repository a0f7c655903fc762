"""Notebooks -> the text of their cells and of what they printed; the heading names the cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders import markdown
from rag.loaders.text import decode
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The cells in order, each followed by its outputs."""
    try:
        cells = json.loads(decode(path.read_bytes()))["cells"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidInput(
            say("The notebook is damaged: {error}", error=error),
            "Open it in Jupyter and save it again.",
        ) from error
    for number, cell in enumerate(cells, 1):
        yield from _cell(cell, (f"cell {number}",))


def _cell(cell: dict[str, Any], heading: tuple[str, ...]) -> Iterator[Block]:
    source = _joined(cell.get("source"))
    if cell.get("cell_type") == "markdown":
        yield from markdown.blocks(source, heading)
    elif source.strip():
        yield Block(source, Locator(heading=heading))
    for output in cell.get("outputs", []):
        printed = output.get("text") or output.get("data", {}).get("text/plain")
        text = _joined(printed).strip()
        if text:
            yield Block(text, Locator(heading=heading))


def _joined(source: Any) -> str:
    """Notebooks store a text as one string or as its lines."""
    return "".join(source) if isinstance(source, list) else source or ""
