"""Runs, models and collections -> one archive, written as a stream, whole or not at all.

It is laid out as a backup with a part of the workspace, so every file has its sum.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.backup.contents import Contents, contents_of
from workbench.backup.making import Writer, archive_at
from workbench.backup.manifest import Manifest
from workbench.carry.kinds import find, kinds
from workbench.errors import Conflict
from workbench.messages import say
from workbench.settings import Settings
from workbench.terminal import Report


@dataclass(frozen=True)
class Pushed:
    """What the archive at that path or URL holds."""

    place: str
    manifest: Manifest


def push(
    settings: Settings,
    names: Sequence[str],
    place: Path | str,
    *,
    replace: bool = False,
    report: Report = lambda event: None,
) -> Pushed:
    """Write the things of these names to a file or a URL.

    Raises NotFound, Conflict, InvalidInput, Unavailable.
    """
    chosen = find(settings, names)
    contents = _contents(settings, chosen)
    with (
        tempfile.TemporaryDirectory(prefix="workbench-") as scratch,
        archive_at(place, settings, replace) as (stream, staging),
        zipfile.ZipFile(stream, "w") as archive,
    ):
        writer = Writer(settings.home, archive, staging, contents, report)
        for name in _put(settings, chosen, Path(scratch, "workspace"), contents):
            writer.add_file(name, Path(scratch, "workspace", name))
        for name in contents.databases:
            writer.add_database(name, None)
        for name in contents.files:
            writer.add_file(name, settings.home / name)
        manifest = writer.finish((), chosen)
    return Pushed(str(place), manifest)


def _contents(settings: Settings, chosen: Mapping[str, Sequence[str]]) -> Contents:
    """What a backup would take of these folders. Raises Conflict where one is being written."""
    known = kinds()
    folders: list[str] = []
    for word, names in chosen.items():
        for name in names:
            folders += known[word].folders_of(name)
    everything = contents_of(settings)
    for folder in folders:
        if folder in everything.left_out:
            raise Conflict(
                say("{name} cannot be taken: {why}.", name=folder, why=everything.left_out[folder]),
                "Wait for it, or stop it first.",
            )

    def is_chosen(path: str) -> bool:
        return any(path == folder or path.startswith(f"{folder}/") for folder in folders)

    def is_around(path: str) -> bool:
        return any(folder.startswith(f"{path}/") for folder in folders)

    contents = Contents(
        files=[path for path in everything.files if is_chosen(path)],
        databases=[path for path in everything.databases if is_chosen(path)],
        folders=[path for path in everything.folders if is_chosen(path) or is_around(path)],
        left_out={path: why for path, why in everything.left_out.items() if is_chosen(path)},
    )
    named = [*contents.files, *contents.databases]
    contents.size = sum((settings.home / path).stat().st_size for path in named)
    return contents


def _put(
    settings: Settings, chosen: Mapping[str, Sequence[str]], folder: Path, contents: Contents
) -> list[str]:
    """Let the kinds write what lies in databases; the paths of the files. Folders are noted."""
    folder.mkdir()
    known = kinds()
    for word, names in chosen.items():
        put = known[word].put
        if put:
            put(settings, names, folder)
    files: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith("."):  # a lock
            continue
        if path.is_file():
            files.append(name)
            contents.size += path.stat().st_size
        elif name not in contents.folders:
            contents.folders.append(name)
    return files
