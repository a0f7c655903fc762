"""Uploaded files -> paths in the workspace; whatever its name, a file stays in its folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from workbench.confined import check_may_change
from workbench.files import writing
from workbench.room import check_room
from workbench.settings import Settings

LONGEST_NAME = 200  # bytes; file systems allow 255, and a part file adds to the name
LONGEST_ENDING = 10  # characters of what counts as a file's ending
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')  # on some file system


class Upload(Protocol):
    """What a page hands over: a name from anywhere, and the bytes."""

    name: str

    def getbuffer(self) -> memoryview: ...


def save_uploads(settings: Settings, collection: str, files: list[Upload]) -> list[Path]:
    """Write each file whole under `uploads/<collection>/`; it replaces an older one of its name.

    Raises Forbidden, and Unwritable where they do not fit.
    """
    check_may_change(settings)
    check_room(settings, size_of(files))
    folder = settings.folder("uploads", safe_name(collection))
    paths = []
    for file in files:
        path = folder / safe_name(file.name)
        with writing(path) as part:
            part.write_bytes(file.getbuffer())
        paths.append(path)
    return paths


def size_of(files: Sequence[Upload]) -> int:
    """Bytes of all of them."""
    return sum(file.getbuffer().nbytes for file in files)


def safe_name(name: str) -> str:
    """The name without folders, control characters and what file systems refuse.

    Letters of any script and emoji stay.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/"))
    name = name.rsplit("/", 1)[-1]
    name = FORBIDDEN.sub("_", name).strip(" .")
    while len(name.encode()) > LONGEST_NAME:
        name = _shorter(name)
    return name or "file"


def _shorter(name: str) -> str:
    """One character less, of the stem where the name has an ending."""
    stem, dot, ending = name.rpartition(".")
    if dot and len(ending) < LONGEST_ENDING:
        return stem[:-1] + dot + ending
    return name[:-1]
