"""A backup -> a workspace in a folder, whole or not at all; what lay there before is kept aside."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.backup.manifest import (
    FOREIGN,
    INSIDE,
    LARGEST,
    MANIFEST,
    KeptFile,
    Manifest,
    damaged,
    newer,
    read_manifest,
)
from workbench.backup.moving import Move
from workbench.contributions import contributed_stores, contributions, load_place
from workbench.errors import Conflict, NotFound, Unwritable, WorkbenchError
from workbench.files import remove_parts, writing
from workbench.jobs.job import list_jobs
from workbench.messages import Message, listed, say
from workbench.progress import Pace
from workbench.settings import Settings
from workbench.terminal import Report

CHUNK = 1 << 20  # bytes
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# what zipfile makes of bytes that are none of its own
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(ValueError, OverflowError, NotImplementedError, RuntimeError),
)
ENCRYPTED = 0x1  # of a member's flags


@dataclass(frozen=True)
class Restored:
    """Where the workspace is now, and where the one lies that it replaced."""

    folder: Path
    manifest: Manifest
    aside: Path | None
    told: list[Message]
    """What is not in the backup, and what needs files of another machine."""


def restore_backup(
    settings: Settings,
    file: Path,
    into: Path | None = None,
    *,
    replace: bool = False,
    report: Report = lambda event: None,
) -> Restored:
    """Make the folder `into`, else the workspace of the settings, from the backup.

    Nothing is changed before every file is checked against its sum. Raises NotFound, InvalidInput
    for a damaged or foreign file, Conflict where the folder is in use, Unwritable.
    """
    home = (into or settings.home).expanduser().absolute()
    target = home.resolve()  # a link to a folder of another disk stays one
    with _opened(file) as archive:
        manifest = _read_manifest(archive, file.name)
        _check_versions(file, manifest)
        _check_target(target, settings, replace)
        _check_space(target, manifest)
        told = manifest.told()
        remove_parts(target)
        with _in_place_of(target) as (part, aside):
            _Reader(file, archive, manifest, report).extract(part)
            move = Move(part, manifest.home, str(home))
            for place in _contributed("moves"):
                told += place(move)
            _set_times(part, manifest)
    restored = settings.model_copy(update={"home": home})
    for place in _contributed("restored"):
        try:
            place(restored, report)
        except WorkbenchError as error:  # the workspace itself is whole
            told.append(listed([error.problem, error.fix], " "))
    return Restored(home, manifest, aside if aside.exists() else None, told)


@contextmanager
def _in_place_of(target: Path) -> Iterator[tuple[Path, Path]]:
    """A path to make the folder at, and one where the old folder lies after that."""
    aside = target.with_name(f"{target.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        with writing(target) as part:
            yield part, aside
            if _is_used(target):
                target.rename(aside)
    except BaseException:
        if aside.exists() and not target.exists():
            aside.rename(target)
        raise


def _contributed(field: str) -> list[Callable]:
    return [load_place(one) for each in contributions() for one in getattr(each, field)]


def _opened(file: Path) -> zipfile.ZipFile:
    file = file.expanduser()
    if not file.is_file():
        raise NotFound(say("There is no file {path}.", path=file), "Check the path.")
    try:
        return zipfile.ZipFile(file)
    except BROKEN as error:
        raise damaged(file.name, FOREIGN) from error


def _read_manifest(archive: zipfile.ZipFile, name: str) -> Manifest:
    """What the backup says of itself, with each member's name and size compared."""
    members = {info.filename: info for info in archive.infolist()}
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


def _check_versions(file: Path, manifest: Manifest) -> None:
    """A database that this program is too old for would be of no use."""
    for store in contributed_stores():
        if manifest.databases.get(store.name, 0) > store.newest:
            raise newer(file.name)


def _check_target(target: Path, settings: Settings, replace: bool) -> None:
    if not _is_used(target):
        return
    if not replace:
        raise Conflict(
            say("{path} is not empty.", path=target),
            "Name another folder with --into, or give --replace: the old content is kept aside.",
        )
    there = settings.model_copy(update={"home": target})
    running = [job.title for job in list_jobs(there) if job.state == "running"]
    if running:
        raise Conflict(
            say("The job {title} is still running.", title=running[0]),
            "Wait for it, or cancel it first.",
        )


def _is_used(target: Path) -> bool:
    """Whether anything lies there besides locks and empty folders."""
    if not target.exists():
        return False
    if not target.is_dir():
        return True
    return any(not _is_lock(path) for path in target.rglob("*") if not path.is_dir())


def _is_lock(path: Path) -> bool:
    return path.name.startswith(".") and path.suffix == ".lock"


def _check_space(target: Path, manifest: Manifest) -> None:
    folder = target
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < manifest.size:
        raise Unwritable(
            say(
                "The workspace takes {needed} MB, and {path} has {free} MB.",
                needed=manifest.size // 1_000_000,
                free=free // 1_000_000,
                path=folder,
            ),
            "Free space, or restore into a folder of another disk with --into.",
        )


def _set_times(home: Path, manifest: Manifest) -> None:
    """As they were, so that what is the newest stays the newest; inner folders first."""
    for name, modified in sorted(manifest.folders.items(), reverse=True):
        os.utime(home / name, ns=(modified, modified))


class _Reader:
    """Takes the files out of the archive, one after another, and checks each."""

    def __init__(
        self, file: Path, archive: zipfile.ZipFile, manifest: Manifest, report: Report
    ) -> None:
        self._name = file.name
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
