"""PDF -> one block a paragraph with its page; pages without a text layer go through OCR where it is installed."""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.image import ocr
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say

DPI = 200


def load(path: Path, password: str | None) -> Iterator[Block]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path, password=password)
    except pypdfium2.PdfiumError as error:
        document = _rewritten(path, password)
        if document is None:
            raise _refusal(str(error), password) from error
    try:
        for number in range(len(document)):
            yield from _page(document, number)
    finally:
        document.close()


def _rewritten(path: Path, password: str | None) -> Any | None:
    """The document as pypdf reads and writes it: it knows ciphers and mends damage that pdfium does not."""
    import pypdf
    import pypdfium2
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(path, strict=False)
        if reader.is_encrypted and not any(
            reader.decrypt(word) for word in _spellings(password or "")
        ):
            return None
        copy = io.BytesIO()
        pypdf.PdfWriter(clone_from=reader).write(copy)
        return pypdfium2.PdfDocument(copy.getvalue())
    except (
        PyPdfError,
        pypdfium2.PdfiumError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
    ):
        return None


def _spellings(password: str) -> list[str]:
    """The password as typed, and as SASLprep (RFC 4013) writes it: soft hyphens dropped, compatibility forms folded."""
    return [password, unicodedata.normalize("NFKC", password.replace("\u00ad", ""))]


def _page(document: Any, number: int) -> Iterator[Block]:
    import pypdfium2

    try:
        page = document[number]
        textpage = page.get_textpage()
        text = textpage.get_text_bounded()
    except pypdfium2.PdfiumError:  # one damaged page does not lose the others
        return
    text = _tidy(text)
    if not text and _has_picture(page):
        text = ocr(page.render(scale=DPI / 72).to_pil())
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.strip():
            yield Block(paragraph.strip(), Locator(page=number + 1))


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    text = re.sub(
        r"(\w)[\ufffe\u00ad]\n?(\w)", r"\1\2", text
    )  # a word hyphenated at the end of its line
    return text.replace("\ufffe", "").replace("\uffff", "").strip()


def _has_picture(page: Any) -> bool:
    import pypdfium2.raw as raw

    return any(True for _ in page.get_objects([raw.FPDF_PAGEOBJ_IMAGE], max_depth=4))


def _refusal(message: str, password: str | None) -> InvalidInput:
    if "password" in message.lower():
        problem = "The password is wrong." if password else "The document is encrypted."
        return InvalidInput(
            problem,
            "Give its password: --password FILE=PASSWORD, or in the password field of the page.",
        )
    if "security" in message.lower():
        return InvalidInput(
            "The document is encrypted in a way that cannot be read.", "Print it to a new PDF."
        )
    return InvalidInput(
        say("The PDF is damaged ({message}).", message=message),
        "Open it in a viewer and save or print it to a new PDF.",
    )
