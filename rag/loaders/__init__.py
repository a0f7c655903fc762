"""A file -> blocks of text with their places. One module a format.

The content decides which one, then the file's ending.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from rag.passages import Block
from workbench.errors import InvalidInput
from workbench.messages import say

# format -> module with `load(path, password) -> Iterator[Block]`; a new format is one module and
# its rows here
LOADERS = {
    "pdf": "rag.loaders.pdf",
    "docx": "rag.loaders.docx",
    "odt": "rag.loaders.odt",
    "pptx": "rag.loaders.pptx",
    "xlsx": "rag.loaders.xlsx",
    "xls": "rag.loaders.xls",
    "csv": "rag.loaders.csv",
    "html": "rag.loaders.html",
    "xml": "rag.loaders.xml",
    "epub": "rag.loaders.epub",
    "ipynb": "rag.loaders.ipynb",
    "rtf": "rag.loaders.rtf",
    "markdown": "rag.loaders.markdown",
    "text": "rag.loaders.text",
    "msg": "rag.loaders.mail",
    "eml": "rag.loaders.mail",
    "zip": "rag.loaders.archive",
    "image": "rag.loaders.image",
}
ENDINGS = {  # of formats that are text inside, or that share their first bytes with others
    "csv": "csv",
    "tsv": "csv",
    "htm": "html",
    "html": "html",
    "xhtml": "html",
    "xml": "xml",
    "rss": "xml",
    "svg": "xml",
    "ipynb": "ipynb",
    "md": "markdown",
    "markdown": "markdown",
    "mdx": "markdown",
    "eml": "eml",
    "msg": "msg",
    "xls": "xls",
}
MAGIC = [  # first bytes -> format
    (b"{\\rtf", "rtf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"BM", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
]
ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Office before 2007, Outlook, and encrypted Office
PARTS = {  # member of a zip -> the Office format that has it
    "word/document.xml": "docx",
    "ppt/presentation.xml": "pptx",
    "xl/workbook.xml": "xlsx",
}


def load(path: Path, password: str | None = None) -> Iterator[Block]:
    """The file's blocks in reading order. Raises InvalidInput, Unavailable."""
    module = import_module(LOADERS[detect(path)])
    yield from module.load(path, password)


def detect(path: Path) -> str:
    """The file's format: by its first bytes, else by its ending, else text."""
    with path.open("rb") as file:
        head = file.read(4096)
    ending = path.suffix.lower().lstrip(".")
    if head.startswith(ZIP):
        return _inside_zip(path)
    if b"%PDF-" in head[:1024]:  # readers accept some bytes before it
        return "pdf"
    known = _by_magic(head)
    if known:
        return known
    if head.startswith(OLE):
        return _inside_ole(ending)
    if ending in ENDINGS:
        return ENDINGS[ending]
    if ending == "" and head.lstrip()[:1] == b"<":
        return "html" if b"<html" in head.lower() else "xml"
    return "text"


def _by_magic(head: bytes) -> str | None:
    for magic, kind in MAGIC:
        if head.startswith(magic):
            # a text may begin with BM, but has no NUL
            is_text = kind == "image" and b"\x00" not in head
            return None if is_text else kind
    return None


def _inside_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = archive.read("mimetype") if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise InvalidInput(
            say("The file is damaged: {error}", error=error), "Save or download it again."
        ) from error
    for part, kind in PARTS.items():
        if part in names:
            return kind
    if b"epub" in mimetype or "META-INF/container.xml" in names:
        return "epub"
    return "odt" if b"opendocument" in mimetype else "zip"


def _inside_ole(ending: str) -> str:
    if ending in ("xls", "msg"):
        return ending
    if ending in ("docx", "xlsx", "pptx"):  # the new formats are OLE only inside their encryption
        raise InvalidInput(
            "The document is encrypted with a password.",
            "Open it, remove the password and save it, then add it again.",
        )
    raise InvalidInput(
        "This is an old Office format (before 2007).",
        "Save it as docx, pptx or xlsx, then add it again.",
    )
