"""Slides -> the text of their shapes, tables and notes; the slide's number is the page."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rag.loaders.rows import rows_as_text
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say


def load(path: Path, password: str | None) -> Iterator[Block]:
    """Slide after slide, each under its title, notes last."""
    import pptx
    from pptx.exc import PackageNotFoundError

    try:
        slides = pptx.Presentation(str(path)).slides
    except (PackageNotFoundError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidInput(
            say("The slides are damaged: {error}", error=error),
            "Open them in PowerPoint and save again.",
        ) from error
    for number, slide in enumerate(slides, 1):
        title = _title(slide)
        place = Locator(page=number, heading=(title,) if title else ())
        for text in _texts(slide.shapes):
            yield Block(text, place)
        notes = _notes(slide)
        if notes:
            yield Block(notes, place)


def _title(slide: Any) -> str:
    shape = slide.shapes.title
    return shape.text_frame.text.strip() if shape is not None else ""


def _notes(slide: Any) -> str:
    # asking for the notes of a slide without any would create them
    frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    return frame.text.strip() if frame is not None else ""


def _texts(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):  # a group
            yield from _texts(shape.shapes)
        elif getattr(shape, "has_table", False):
            yield from _table(shape.table)
        elif getattr(shape, "has_chart", False):
            yield from _chart(shape.chart)
        elif shape.has_text_frame and shape.text_frame.text.strip():
            yield shape.text_frame.text.strip()


def _table(table: Any) -> Iterator[str]:
    rows = ([cell.text for cell in row.cells] for row in table.rows)
    for block in rows_as_text(rows):
        yield block.text


def _chart(chart: Any) -> Iterator[str]:
    """A chart's title and its figures, a line a series."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield chart.chart_title.text_frame.text
    for plot in chart.plots:
        names = [str(name) for name in plot.categories]
        for series in plot.series:
            pairs = zip(names, series.values, strict=False)
            figures = [f"{name} {value}" for name, value in pairs if value is not None]
            yield f"{series.name}: {'; '.join(figures)}"
