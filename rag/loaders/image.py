"""A picture -> the text in it, by Tesseract; an optional extra."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from rag.passages import Block, Locator
from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say

FIX = "For text in pictures install OCR: apt install tesseract-ocr tesseract-ocr-chi-sim (or brew install tesseract)."


def load(path: Path, password: str | None) -> Iterator[Block]:
    from PIL import Image, UnidentifiedImageError

    if not languages():
        raise Unavailable("Reading pictures needs OCR, which is not installed.", FIX)
    try:
        with Image.open(path) as picture:
            text = ocr(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InvalidInput(
            say("The picture cannot be opened: {error}", error=error),
            "Save it again as PNG or JPEG.",
        ) from error
    if text:
        yield Block(text, Locator())


def ocr(picture: Any) -> str:
    """The text in a PIL image; empty where OCR is not installed."""
    if not (known := languages()):
        return ""
    from importlib import import_module

    pytesseract = import_module("pytesseract")
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    try:
        return pytesseract.image_to_string(picture, lang=known).strip()
    except pytesseract.TesseractError as error:
        raise InvalidInput(say("OCR failed: {message}", message=error.message), FIX) from error


@lru_cache(maxsize=1)
def languages() -> str:
    """Tesseract's languages of those we read, joined by `+`; empty where it is not installed."""
    from importlib.util import find_spec

    if find_spec("pytesseract") is None or shutil.which("tesseract") is None:
        return ""
    from importlib import import_module

    have = import_module("pytesseract").get_languages()
    return "+".join(name for name in ("eng", "chi_sim") if name in have)
