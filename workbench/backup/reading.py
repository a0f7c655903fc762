"""A zip file from anywhere -> what it says of itself, and its files, each checked."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from workbench.backup.manifest import (
    FOREIGN,
    INSIDE,
    LARGEST,
    MANIFEST,
    KeptFile,
    Manifest,
    damaged,
    read_manifest,
)
from workbench.errors import NotFound
from workbench.messages import say
from workbench.progress import Pace
from workbench.remote_file import is_url, reading_from
from workbench.terminal import Report

CHUNK = 1 << 20  # bytes
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# what zipfile makes of bytes that are none of its own
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(ValueError, OverflowError, RuntimeError),
)
ENCRYPTED = 0x1  # of a member's flags


@contextmanager
def open_backup(place: Path | str) -> Iterator[zipfile.ZipFile]:
    """The archive in a file or at a URL. Raises NotFound, InvalidInput, Unavailable."""
    with ExitStack() as opened:
        if is_url(str(place)):
            source: Any = opened.enter_context(reading_from(str(place)))
        else:
            source = Path(place).expanduser()
            if not source.is_file():
                raise NotFound(say("There is no file {path}.", path=source), "Check the path.")
        try:
            archive = opened.enter_context(zipfile.ZipFile(source))
        except BROKEN as error:
            raise damaged(name_of(place), FOREIGN) from error
        yield archive


def name_of(place: Path | str) -> str:
    """The last part of a path or a URL."""
    return str(place).rstrip("/").rpartition("/")[2]


def manifest_of(archive: zipfile.ZipFile, name: str) -> Manifest:
    """What the backup says of itself, with each member's name and size compared.

    Raises InvalidInput, and Conflict for a later format.
    """
    members = {info.filename: info for info in archive.infolist()}
    if any(info.header_offset < 0 for info in members.values()):  # a seek would be an OSError
        raise damaged(name, FOREIGN)
    described = members.pop(MANIFEST, None)
    if described is None or not _is_plain(described) or described.file_size > LARGEST:
        raise damaged(name, FOREIGN)
    try:
        with archive.open(described) as member:
            data = member.read(LARGEST)
    except BROKEN as error:
        raise damaged(name, FOREIGN) from error
    manifest = read_manifest(data, name)
    extra = members.keys() - {INSIDE + path for path in (*manifest.files, *manifest.left_out)}
    if extra or len(members) + 1 != len(archive.infolist()):
        raise damaged(name, say("it holds {path} unannounced", path=min(extra, default=MANIFEST)))
    for path, kept in manifest.files.items():
        info = members.get(INSIDE + path)
        if info is None or not _is_plain(info) or info.file_size != kept.size:
            raise damaged(name, say("the content of {path} is not what was kept", path=path))
    return manifest


def _is_plain(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a file: no folder, no link, nothing encrypted."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    plain = kind in (0, stat.S_IFREG) and info.compress_type in METHODS
    return plain and not info.is_dir() and not info.flag_bits & ENCRYPTED


class Reader:
    """Takes the files out of the archive, one after another, and checks each."""

    def __init__(
        self, name: str, archive: zipfile.ZipFile, manifest: Manifest, report: Report
    ) -> None:
        self._name = name
        self._archive = archive
        self._manifest = manifest
        self._report = report
        self._done = 0  # bytes
        self._begun = time.monotonic()
        self._pace = Pace()

    def extract(self, folder: Path) -> None:
        """Write every file below the folder, for its owner alone. Raises InvalidInput."""
        folder.mkdir(mode=0o700)
        for path in sorted(self._manifest.folders):
            (folder / path).mkdir(mode=0o700, exist_ok=True)
        for path, kept in self._manifest.files.items():
            target = folder / path
            try:
                digest = self._copy(path, kept, target)
            except BROKEN as error:
                raise self._damaged(path) from error
            if digest != kept.sha256:
                raise self._damaged(path)
            os.utime(target, ns=(kept.modified, kept.modified))
        self._tell(last=True)

    def _copy(self, path: str, kept: KeptFile, target: Path) -> str:
        """Write one file, never more than it is said to have; its sha256."""
        digest = hashlib.sha256()
        left = kept.size
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file, self._archive.open(INSIDE + path) as member:
            while left:
                data = member.read(min(CHUNK, left))
                if not data:
                    raise EOFError
                file.write(data)
                digest.update(data)
                left -= len(data)
                self._done += len(data)
                self._tell()
            if member.read(1):  # also makes zipfile compare its own sum
                raise EOFError
        return digest.hexdigest()

    def _damaged(self, path: str) -> Exception:
        return damaged(self._name, say("the content of {path} is not what was kept", path=path))

    def _tell(self, last: bool = False) -> None:
        if not self._pace.is_due(last=last):
            return
        self._report(
            {
                "event": "progress",
                "stage": "Restoring the workspace",
                "done": self._done,
                "of": self._manifest.size,
                "seconds": round(time.monotonic() - self._begun, 2),
            }
        )
