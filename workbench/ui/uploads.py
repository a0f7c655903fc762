"""Uploaded files -> paths in the workspace: whatever a file calls itself, it stays in its folder."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Protocol

from workbench.settings import Settings


class Upload(Protocol):
    """What a page hands over: a name from anywhere, and the bytes."""

    name: str

    def getbuffer(self) -> memoryview: ...


def save_uploads(settings: Settings, collection: str, files: list[Upload]) -> list[Path]:
    """Write each file whole under `uploads/<collection>/`; one of the same name takes the place of the old one."""
    folder = settings.folder("uploads", safe_name(collection))
    paths = []
    for file in files:
        path = folder / safe_name(file.name)
        part = path.with_name(path.name + ".part")
        part.write_bytes(file.getbuffer())
        part.replace(path)
        paths.append(path)
    return paths


def safe_name(name: str) -> str:
    """The name without folders, control characters and what file systems refuse; letters of any script and emoji stay."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/")).rsplit("/", 1)[-1]
    name = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", name).strip(" .")
    while len(name.encode()) > 200:  # file systems allow 255 bytes
        stem, dot, ending = name.rpartition(".")
        name = (stem[:-1] + dot + ending) if dot and len(ending) < 10 else name[:-1]
    return name or "file"
