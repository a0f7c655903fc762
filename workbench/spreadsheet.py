"""A result -> CSV or XLSX bytes in which no cell becomes a formula when a spreadsheet opens it."""

from __future__ import annotations

import csv
import io
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(columns: list[str], rows: list[list[Any]]) -> bytes:
    """UTF-8 with the mark that Excel needs to read Chinese."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(columns: list[str], rows: list[list[Any]]) -> bytes:
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("result")
    for row in [columns, *rows]:
        cells = [_harmless(value) for value in row]
        for number, cell in enumerate(cells):
            if isinstance(cell, str):  # a control character would make the file unreadable
                cells[number] = ILLEGAL_CHARACTERS_RE.sub("", cell)
        sheet.append(cells)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _harmless(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe; numbers stay."""
    if not isinstance(value, str) or not value.startswith(FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
