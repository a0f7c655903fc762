"""A CSV or TSV file in any encoding -> one in UTF-8, which is all that DuckDB reads."""

from __future__ import annotations

import codecs
from pathlib import Path

CHUNK = 1 << 20  # bytes
COMMON = 0.9  # share of common characters from which text counts as Chinese


def as_utf8(file: Path, folder: Path) -> Path:
    """The file itself where it is UTF-8, else its text in a new file of that folder.

    Raises InvalidInput for what is no text.
    """
    if _is_utf8(file):
        return file
    copy = folder / "utf8.csv"
    copy.write_text(_decode(file.read_bytes()), "utf-8")
    return copy


def _is_utf8(file: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.open("rb") as data:
        try:
            while chunk := data.read(CHUNK):
                if "\x00" in decoder.decode(chunk):  # UTF-16 without its mark
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _decode(data: bytes) -> str:
    """Bytes that are not UTF-8 as text.

    A table is too short to guess the encoding from, so common Chinese characters decide first:
    GB18030 keeps them in the rows that begin with the bytes A1 to D7.
    """
    from rag.loaders.text import decode

    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return decode(data)
    strange = [character for character in text if not character.isascii()]
    common = sum(b"\xa1" <= character.encode("gb18030")[:1] <= b"\xd7" for character in strange)
    return text if common >= COMMON * len(strange) else decode(data)
