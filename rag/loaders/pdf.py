"""PDF -> one block a paragraph with its page; pages without text go through OCR, if installed."""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.loaders.image import ocr
from rag.loaders.secret import ENTER_PASSWORD
from rag.passages import Block, Locator
from workbench.errors import InvalidInput
from workbench.messages import say

DPI = 200  # of a page rendered for OCR
POINTS = 72  # of a PDF to the inch
PARAGRAPH = re.compile(r"\n\s*\n")
# U+FFFE is pdfium's mark for a hyphen at the end of a line, U+00AD the soft hyphen
HYPHENATED = re.compile(r"(\w)[\ufffe\u00ad]\n?(\w)")
NESTED = 4  # levels of grouped objects in which a picture is looked for


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The paragraphs of all pages. Raises InvalidInput for an encrypted or damaged document."""
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
    """The document as pypdf reads and writes it, or None.

    pypdf knows ciphers, and mends damage, that pdfium does not.
    """
    import pypdf
    import pypdfium2
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of each thing it mends
    # on a damaged file pypdf fails with whatever exception its parser meets
    damage = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
    try:
        reader = pypdf.PdfReader(path, strict=False)
        if reader.is_encrypted and not _decrypt(reader, password or ""):
            return None
        copy = io.BytesIO()
        pypdf.PdfWriter(clone_from=reader).write(copy)
        return pypdfium2.PdfDocument(copy.getvalue())
    except (PyPdfError, pypdfium2.PdfiumError, *damage):
        return None


def _decrypt(reader: Any, password: str) -> bool:
    """Try the password as typed, and as SASLprep (RFC 4013) writes it.

    SASLprep drops soft hyphens and folds compatibility forms; some writers apply it.
    """
    prepared = unicodedata.normalize("NFKC", password.replace("\u00ad", ""))
    return any(reader.decrypt(word) for word in (password, prepared))


def _page(document: Any, number: int) -> Iterator[Block]:
    import pypdfium2

    try:
        page = document[number]
        text = _tidy(page.get_textpage().get_text_bounded())
    except pypdfium2.PdfiumError:  # one damaged page does not lose the others
        return
    if not text and _has_picture(page):
        text = ocr(page.render(scale=DPI / POINTS).to_pil())
    for paragraph in PARAGRAPH.split(text):
        if paragraph.strip():
            yield Block(paragraph.strip(), Locator(page=number + 1))


def _tidy(text: str) -> str:
    """One kind of line end, words joined that a line end had cut, no marks that are no text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    text = HYPHENATED.sub(r"\1\2", text)
    return text.replace("\ufffe", "").replace("\uffff", "").strip()


def _has_picture(page: Any) -> bool:
    import pypdfium2.raw as raw

    pictures = page.get_objects([raw.FPDF_PAGEOBJ_IMAGE], max_depth=NESTED)
    return next(iter(pictures), None) is not None


def _refusal(message: str, password: str | None) -> InvalidInput:
    """pdfium's message as an error with a fix."""
    if "password" in message.lower():
        problem = "The password is wrong." if password else "The document is encrypted."
        return InvalidInput(problem, ENTER_PASSWORD)
    if "security" in message.lower():
        return InvalidInput(
            "The document is encrypted in a way that cannot be read.", "Print it to a new PDF."
        )
    return InvalidInput(
        say("The PDF is damaged ({reason}).", reason=message),
        "Open it in a viewer and save or print it to a new PDF.",
    )
