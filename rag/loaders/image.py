"""A picture -> the text in it, by Tesseract; an optional extra."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rag.passages import Block
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say

LANGUAGES = ("eng", "chi_sim")  # Tesseract's names
INSTALL = say(
    "For text in pictures install OCR: apt install tesseract-ocr tesseract-ocr-chi-sim "
    "(or brew install tesseract), and the extra: pip install -e '.[ocr]'"
)


def load(path: Path, password: str | None) -> Iterator[Block]:
    """The text as one block. Raises InvalidInput, and Unavailable without OCR."""
    from PIL import Image, UnidentifiedImageError

    if not languages():
        raise Unavailable("Reading pictures needs OCR, which is not installed.", INSTALL)
    try:
        with Image.open(path) as picture:
            text = ocr(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InvalidInput(
            say("The picture cannot be opened: {error}", error=error),
            "Save it again as PNG or JPEG.",
        ) from error
    if text:
        yield Block(text)


def ocr(picture: Any) -> str:
    """The text in a PIL image; empty where OCR is not installed."""
    known = languages()
    if not known:
        return ""
    pytesseract = import_module("pytesseract")
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # several readers run at a time
    try:
        return pytesseract.image_to_string(picture, lang=known).strip()
    except pytesseract.TesseractError as error:
        raise InvalidInput(say("OCR failed: {reason}", reason=error.message), INSTALL) from error


@lru_cache(maxsize=1)
def languages() -> str:
    """Our languages that Tesseract has, joined by `+`; empty where it is not installed."""
    if find_spec("pytesseract") is None or shutil.which("tesseract") is None:
        return ""
    installed = import_module("pytesseract").get_languages()
    return "+".join(name for name in LANGUAGES if name in installed)
