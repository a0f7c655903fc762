"""Plain text in any encoding -> one block a paragraph, with its line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from rag.passages import Block, Locator
from workbench.errors import InvalidInput

BOMS = [  # UTF-32 before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
ESCAPES = [(b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp")]
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
COMMON = re.compile(  # letters, digits and marks of the languages that people write most
    r"[\t\r\n\x20-\u024f\u0370-\u04ff\u2010-\u203f\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7af"
    r"\uff00-\uffef]"
)
CONTROLS = bytes(set(range(32)) - {0, 7, 8, 9, 10, 11, 12, 13, 26, 27})  # no text has these
DECLARED = re.compile(rb"(?:charset|encoding|coding)\s*[=:]\s*[\"']?([\w.:-]+)")
SAMPLE = 65_536  # bytes that an encoding is guessed from
MOSTLY = 0.95


def load(path: Path, password: str | None) -> Iterator[Block]:
    """Paragraphs: runs of lines between blank ones."""
    yield from paragraphs(decode(path.read_bytes()))


def paragraphs(text: str, first_line: int = 1, heading: tuple[str, ...] = ()) -> Iterator[Block]:
    """The paragraphs of a text, each with the line on which it begins."""
    lines: list[str] = []
    start = first_line
    for number, line in enumerate(text.splitlines(), first_line):
        if line.strip():
            if not lines:
                start = number
            lines.append(line.rstrip())
        elif lines:
            yield Block("\n".join(lines), Locator(heading=heading, line=start))
            lines = []
    if lines:
        yield Block("\n".join(lines), Locator(heading=heading, line=start))


def decode(data: bytes) -> str:
    """Bytes of any common encoding as text. Raises InvalidInput for what is not text."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    for escape, encoding in ESCAPES:  # seven-bit encodings would pass for UTF-8
        if escape in data[:SAMPLE]:
            return data.decode(encoding, "replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4:  # cut in the middle of its last character
            return data[: error.start].decode("utf-8")
        return _guess(data)
    return _guess(data) if "\x00" in text else text


def _guess(data: bytes) -> str:
    sample = data[:SAMPLE]
    encoding = _wide(sample)
    if encoding:
        return data.decode(encoding, "replace")
    if len(sample.translate(None, CONTROLS)) < len(sample) * MOSTLY:
        raise InvalidInput(
            "This is a binary file, not a document.",
            "Save it as a document or text, then add it again.",
        )
    for encoding in _declared(sample):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode(_statistically(data), "replace")


def _wide(sample: bytes) -> str | None:
    """UTF-16 or UTF-32 without its mark: the one under which nearly all is common text."""
    whole = sample[: len(sample) // 4 * 4]
    for encoding in WIDE:
        try:
            text = whole.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text and len(COMMON.findall(text)) > len(text) * MOSTLY:
            return encoding
    return None


def _declared(sample: bytes) -> list[str]:
    """Encodings that the text names itself, as HTML, XML and Python sources do."""
    names: list[str] = []
    for found in DECLARED.findall(sample[:4096]):
        name = found.decode("ascii")
        # GB 18030 contains both, and files labelled with them often use it
        names.append("gb18030" if name.lower() in ("gb2312", "gbk") else name)
    return names


def _statistically(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[: 4 * SAMPLE]).best()
    return best.encoding if best is not None else "utf-8"
