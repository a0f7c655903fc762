"""What a person can do on the spot about a file that was not read: a password, a program."""

from __future__ import annotations

from pathlib import Path

from rag.loaders.image import INSTALL, languages
from rag.loaders.secret import ENTER_PASSWORD
from rag.passages import Document
from workbench.messages import Message, say

SCANNED = (".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif")
OCR_COMMAND = "apt install tesseract-ocr tesseract-ocr-chi-sim"


def why_empty(path: Path) -> tuple[Message, Message]:
    """(problem, fix) of a file that was read and holds no text."""
    if path.suffix.lower() not in SCANNED:
        return say("There is no text in it."), say("Write something in it, or remove it.")
    problem = say("There is no text in it. Is it a scan?")
    if languages():
        return problem, say("OCR found no text either: scan it again more sharply, or remove it.")
    return problem, INSTALL


def wants_password(document: Document) -> bool:
    """Whether the file can be read once its password is known."""
    return document.fix == ENTER_PASSWORD


def wants_program(document: Document) -> str:
    """The command that installs what is needed to read the file; else empty."""
    return OCR_COMMAND if document.fix == INSTALL else ""


def fix_for_terminal(file: str, fix: str) -> str:
    """The fix as a command can offer it: by its flag, where the page has a field."""
    if fix != ENTER_PASSWORD:
        return fix
    return say("Give its password: --password {file}=PASSWORD", file=Path(file).name)
