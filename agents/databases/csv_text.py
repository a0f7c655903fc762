"""A CSV or TSV file in any encoding -> one in UTF-8, which is all that DuckDB reads.

The encodings that spreadsheets save in are read a piece at a time, however large the file is.
"""

from __future__ import annotations

import codecs
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 20  # bytes, or characters
COMMON = 0.9  # share of common characters from which text counts as Chinese
CHINESE = "gb18030"


def as_utf8(file: Path, folder: Path) -> Path:
    """The file itself where it is UTF-8, else its text in a new file of that folder.

    Raises InvalidInput for what is no text.
    """
    if _is_utf8(file):
        return file
    copy = folder / "utf8.csv"
    encoding = _marked(file) or (CHINESE if _is_chinese(file) else "")
    if encoding:
        with (
            file.open(encoding=encoding, errors="replace", newline="") as text,
            copy.open("w", encoding="utf-8", newline="") as whole,
        ):
            shutil.copyfileobj(text, whole, CHUNK)
    else:
        from rag.loaders.text import decode

        copy.write_text(decode(file.read_bytes()), "utf-8", newline="")
    return copy


def _is_utf8(file: Path) -> bool:
    try:
        return not any("\x00" in text for text in _pieces(file, "utf-8"))  # UTF-16 without its mark
    except UnicodeDecodeError:
        return False


def _marked(file: Path) -> str:
    """The encoding that the file's first bytes name; empty where they name none."""
    from rag.loaders.text import BOMS

    with file.open("rb") as data:
        start = data.read(4)
    return next((encoding for mark, encoding in BOMS if start.startswith(mark)), "")


def _is_chinese(file: Path) -> bool:
    """Whether it is GB 18030, which a table is too short to be guessed as.

    Common Chinese characters decide: they have the rows that begin with the bytes A1 to D7.
    """
    characters: Counter[str] = Counter()
    try:
        for text in _pieces(file, CHINESE):
            if "\x00" in text:
                return False
            characters.update(text)
    except UnicodeDecodeError:
        return False
    strange = {one: count for one, count in characters.items() if not one.isascii()}
    common = [
        count for one, count in strange.items() if b"\xa1" <= one.encode(CHINESE)[:1] <= b"\xd7"
    ]
    return sum(common) >= COMMON * sum(strange.values())


def _pieces(file: Path, encoding: str) -> Iterator[str]:
    """The text a piece at a time. Raises UnicodeDecodeError for bytes of another encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with file.open("rb") as data:
        while chunk := data.read(CHUNK):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
