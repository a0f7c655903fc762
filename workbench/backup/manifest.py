"""What a backup says of itself, checked: its files with their sums, and what was left out.

A backup is a zip file: `workspace/PATH` for each file of the workspace, and `manifest.json`.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from workbench.errors import Conflict, InvalidInput
from workbench.messages import Message, say, unpack

FORMAT = 1
MANIFEST = "manifest.json"
INSIDE = "workspace/"  # what the members' names begin with
LARGEST = 100_000_000  # bytes of a manifest; a file takes about 200
CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")  # what no path of ours has
FOREIGN = say("it is no backup of a workspace")


# nanoseconds since 1970, as file systems can keep them
Moment = Annotated[int, Field(ge=0, le=1 << 62)]


class KeptFile(BaseModel):
    """Bytes, sha256 in hexadecimal, and when it was last changed."""

    model_config = ConfigDict(frozen=True)

    size: int = Field(ge=0)
    sha256: str
    modified: Moment


class Manifest(BaseModel):
    """`home` is where the workspace was. `left_out` maps paths to packed sentences."""

    model_config = ConfigDict(frozen=True)

    format: int
    made_by: str
    created: str
    home: str = Field(min_length=2)
    without: list[str] = Field(default_factory=list)
    carried: dict[str, list[str]] = Field(default_factory=dict)
    """Kind -> names of what was pushed by itself; empty in the backup of a workspace."""
    databases: dict[str, int] = Field(default_factory=dict)
    """Name of an SQLite file of the workspace -> the version of its tables."""
    files: dict[str, KeptFile]
    folders: dict[str, Moment] = Field(default_factory=dict)
    """Path -> when it was last changed, so that empty folders and their order come back too."""
    left_out: dict[str, Any] = Field(default_factory=dict)

    @field_validator("files", "folders")
    @classmethod
    def _inside(cls, paths: dict[str, Any]) -> dict[str, Any]:
        for path in paths:
            if not is_inside(path):
                raise ValueError(f"the path {path!r} leads out of the workspace")
        return paths

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files.values())

    def told(self) -> list[Message]:
        """A sentence for each path that was left out."""
        return [
            say("{name} is not in the backup: {why}.", name=path, why=unpack(why))
            for path, why in self.left_out.items()
        ]


def is_inside(path: str) -> bool:
    """Whether a path is plain and relative: no root, no "..", nothing that a system reads so."""
    parts = path.split("/")
    plain = not CONTROL.search(path) and not re.match(r"[A-Za-z]:", path)
    return plain and all(part not in ("", ".", "..") for part in parts)


def read_manifest(data: bytes, name: str) -> Manifest:
    """The manifest of the backup `name`. Raises InvalidInput, and Conflict for a later format."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise damaged(name, error.errors()[0]["msg"]) from error
    if manifest.format > FORMAT:
        raise newer(name)
    paths = [*manifest.files, *manifest.folders]
    parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    lacking = parents - manifest.folders.keys() - {"."}
    wrong = lacking | (manifest.folders.keys() & manifest.files.keys())
    if wrong:
        raise damaged(name, say("{path} is no folder", path=min(wrong)))
    return manifest


def newer(name: str) -> Conflict:
    return Conflict(
        say("{name} was made by a newer version.", name=name),
        "Update Workbench; what is in the file stays as it is.",
    )


def damaged(name: str, error: object) -> InvalidInput:
    return InvalidInput(
        say("{name} cannot be restored: {error}.", name=name, error=error),
        "Take another backup; nothing was changed.",
    )
