"""A result -> CSV or XLSX bytes, in which no cell can become a formula of the spreadsheet that opens it."""

from __future__ import annotations

import csv
import io
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(columns: list[str], rows: list[list[Any]]) -> bytes:
    """UTF-8 with the mark that Excel needs to read Chinese."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns, *([_harmless(value) for value in row] for row in rows)])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(columns: list[str], rows: list[list[Any]]) -> bytes:
    import openpyxl
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("result")
    for row in [columns, *rows]:
        sheet.append(
            [
                ILLEGAL_CHARACTERS_RE.sub("", cell)
                if isinstance(cell := _harmless(v), str)
                else cell
                for v in row
            ]
        )
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _harmless(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets its apostrophe; numbers stay numbers."""
    if not isinstance(value, str) or not value.startswith(FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
