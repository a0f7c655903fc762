"""A workspace in use -> a backup: written whole or not at all, readable by its owner alone."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Any

from workbench.backup.contents import SIDES, Contents, contents_of, is_sqlite
from workbench.backup.manifest import FORMAT, INSIDE, MANIFEST, KeptFile, Manifest
from workbench.backup.sqlite_copy import as_of_now, copy_to
from workbench.errors import Conflict, Damaged, InvalidInput, NotFound
from workbench.files import writing
from workbench.messages import Message, pack, say
from workbench.progress import Pace
from workbench.remote_file import is_url, writing_to
from workbench.settings import Settings
from workbench.sqlite_recovery import problem_of
from workbench.sqlite_store import version_in
from workbench.terminal import Report

CHUNK = 1 << 20  # bytes
EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip file can say; the manifest has the true times
PACKED = {  # endings of files that do not become smaller
    *(".safetensors", ".gguf", ".bin", ".pt", ".npz", ".zip", ".gz", ".7z"),
    *(".pdf", ".docx", ".xlsx", ".pptx", ".epub", ".png", ".jpg", ".jpeg", ".parquet"),
}
GROWING = (".jsonl", ".txt", ".log")  # files to which lines are added: a beginning is whole
CHANGED = say("it changed while it was copied")
GONE = say("it was deleted meanwhile")


@dataclass(frozen=True)
class Made:
    """What a backup holds."""

    place: str
    """Where it is: a path or a URL."""

    size: int
    """Bytes of the archive."""

    manifest: Manifest
    damaged: list[Message]
    """SQLite files that cannot be read, copied byte by byte."""


def make_backup(
    settings: Settings,
    place: Path | str,
    *,
    without: Collection[str] = (),
    replace: bool = False,
    report: Report = lambda event: None,
) -> Made:
    """Write the workspace to a file or a URL.

    Nobody has to stop working, nor does this wait for anybody.

    All databases of the program are copied as of one moment; files follow, so that each one that a
    database names is among them. Rows of a server become files. Raises Conflict where the file
    exists, InvalidInput, NotFound, Unwritable, Unavailable where the server is away.
    """
    _check_workspace(settings)
    with ExitStack() as opened:
        moments = {path.name: _moment(path, opened) for path in _own_databases(settings.home)}
        rows = _rows_of_server(settings, opened)
        contents = contents_of(settings, without)
        stream, staging = opened.enter_context(archive_at(place, settings, replace))
        with zipfile.ZipFile(stream, "w") as archive:
            writer = Writer(settings.home, archive, staging, contents, report)
            for name in contents.databases:
                if name not in rows:
                    writer.add_database(name, moments.get(name))
            for name, write in rows.items():
                writer.add_rows(name, write)
            for name in contents.files:
                writer.add_file(name, settings.home / name)
            manifest = writer.finish(without)
        size = stream.tell()
    return Made(str(place), size, manifest, writer.damaged)


@contextmanager
def archive_at(
    place: Path | str, settings: Settings, replace: bool
) -> Iterator[tuple[IO[bytes], Path]]:
    """(a stream to write the archive to, a folder for copies of databases)."""
    if is_url(str(place)):
        with (
            tempfile.TemporaryDirectory(prefix="workbench-") as staging,
            writing_to(str(place), replace=replace) as stream,
        ):
            yield stream, Path(staging)
        return
    file = Path(place).expanduser().absolute()
    _check_file(file, settings, replace)
    with (
        writing(file) as part,
        tempfile.TemporaryDirectory(dir=part.parent, prefix=".backup-") as staging,
    ):
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream, Path(staging)


def _check_workspace(settings: Settings) -> None:
    if not settings.home.is_dir() or not any(settings.home.iterdir()):
        raise NotFound(
            say("{path} holds no workspace.", path=settings.home),
            "Set WORKBENCH_HOME to the workspace's folder.",
        )


def _check_file(file: Path, settings: Settings, replace: bool) -> None:
    if file.parent.resolve().is_relative_to(settings.home.resolve()):
        raise InvalidInput(
            say("{path} lies in the workspace itself.", path=file),
            "Name a file outside of it, best on another disk.",
        )
    if file.is_dir() or (file.exists() and not replace):
        raise Conflict(
            say("{path} exists.", path=file), "Name another file, or give --replace for this one."
        )


def _own_databases(home: Path) -> list[Path]:
    return [path for path in sorted(home.glob("*.db")) if is_sqlite(path)]


def _moment(path: Path, opened: ExitStack) -> sqlite3.Connection | None:
    """A connection that sees the file as it is now; None for a damaged one."""
    try:
        return opened.enter_context(as_of_now(path))
    except Damaged:
        return None


def _rows_of_server(settings: Settings, opened: ExitStack) -> dict[str, Callable[[Path], object]]:
    """Path below the workspace -> what writes the rows that a server has as that file."""
    if not settings.database_url.get_secret_value():
        return {}
    from workbench.backup.transfer import parts_on_server, write_file

    server, parts = opened.enter_context(parts_on_server(settings))
    return {part.name: partial(write_file, server, part) for part in parts}


class Writer:
    """Puts files into the archive one after another, and notes their sums."""

    def __init__(
        self,
        home: Path,
        archive: zipfile.ZipFile,
        staging: Path,
        contents: Contents,
        report: Report,
    ) -> None:
        self.damaged: list[Message] = []
        self._home = home
        self._archive = archive
        self._staging = staging
        self._contents = contents
        self._report = report
        self._files: dict[str, KeptFile] = {}
        self._databases: dict[str, int] = {}
        self._done = 0  # bytes of the files that are finished
        self._begun = time.monotonic()
        self._pace = Pace()

    def add_database(self, name: str, moment: sqlite3.Connection | None) -> None:
        """A copy as of `moment`, else as of now; where the file is damaged, its bytes."""
        path = self._home / name
        copy = self._staging / "copy"
        if not path.exists():
            self._contents.left_out[name] = GONE
            return
        try:
            with ExitStack() as opened:
                database = moment or opened.enter_context(as_of_now(path))
                copy_to(database, copy)
                (number,) = database.execute("pragma user_version").fetchone()
            problem = problem_of(copy, {})
        except Damaged as error:
            problem = error.problem
        except sqlite3.DatabaseError as error:  # of no kind that is known
            problem = str(error)
        if problem:
            self.damaged.append(say("{name} is damaged: {error}", name=name, error=problem))
            for side in ("", *SIDES):
                self.add_file(name + side, path.with_name(path.name + side))
        else:
            self.add_file(name, copy, changed=path.stat().st_mtime_ns)
            self._databases[name] = number
        for left in self._staging.iterdir():
            left.unlink()

    def add_rows(self, name: str, write: Callable[[Path], object]) -> None:
        """The file that `write` makes, with the folders in which it would lie."""
        copy = self._staging / "copy"
        write(copy)
        with closing(sqlite3.connect(copy)) as database:
            self._databases[name] = version_in(database)
        known = set(self._contents.folders)
        parents = [str(parent) for parent in PurePosixPath(name).parents]
        self._contents.folders += [one for one in parents if one != "." and one not in known]
        self.add_file(name, copy, changed=time.time_ns())
        copy.unlink()

    def add_file(self, name: str, path: Path, changed: int = 0) -> None:
        """The file as it is now, under that name; `changed` is what to note as its time."""
        try:
            with path.open("rb") as file:
                before = os.fstat(file.fileno())
                digest = self._copy(name, file, before.st_size, path.suffix.lower() in PACKED)
                after = os.fstat(file.fileno())
        except FileNotFoundError:
            if name in self._contents.files:  # else the side of a database, which need not exist
                self._contents.left_out[name] = GONE
            return
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        grown = after.st_size >= before.st_size and path.suffix in GROWING
        if not digest or not (same or grown):
            self._contents.left_out[name] = CHANGED
            return
        modified = max(changed or before.st_mtime_ns, 0)
        self._files[name] = KeptFile(size=before.st_size, sha256=digest, modified=modified)

    def _copy(self, name: str, file: Any, size: int, packed: bool) -> str:
        """Put the first `size` bytes into the archive; their sha256, empty where some are gone."""
        info = zipfile.ZipInfo(INSIDE + name, EARLIEST)
        info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        digest = hashlib.sha256()
        left = size
        with self._archive.open(info, "w", force_zip64=True) as member:
            while left:
                data = file.read(min(CHUNK, left))
                if not data:
                    return ""
                member.write(data)
                digest.update(data)
                left -= len(data)
                self._tell(self._done + size - left)
        self._done += size
        return digest.hexdigest()

    def finish(
        self, without: Collection[str], carried: Mapping[str, list[str]] | None = None
    ) -> Manifest:
        """Write the manifest as the last member; `carried` as `Manifest` has it."""
        manifest = Manifest(
            format=FORMAT,
            made_by=version("agent-workbench"),
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            home=str(self._home),
            without=sorted(without),
            carried=dict(carried or {}),
            databases=self._databases,
            files=self._files,
            folders=self._folders(),
            left_out={name: pack(why) for name, why in sorted(self._contents.left_out.items())},
        )
        info = zipfile.ZipInfo(MANIFEST, EARLIEST)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        self._archive.writestr(info, manifest.model_dump_json(indent=1))
        self._tell(self._done, last=True)
        return manifest

    def _folders(self) -> dict[str, int]:
        """With the times of their last changes; one that is gone by now has had files copied."""
        found = {}
        for name in self._contents.folders:
            path = self._home / name
            found[name] = max(path.stat().st_mtime_ns, 0) if path.exists() else time.time_ns()
        return found

    def _tell(self, done: int, last: bool = False) -> None:
        if not self._pace.is_due(last=last):
            return
        self._report(
            {
                "event": "progress",
                "stage": "Copying the workspace",
                "done": done,
                "of": max(done, self._contents.size),
                "seconds": round(time.monotonic() - self._begun, 2),
            }
        )
