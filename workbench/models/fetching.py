"""Files at their addresses -> a folder, with progress in bytes; what has arrived goes on.

A file grows under another name until it is whole and its sha256 is right, so a kill at any moment
leaves no file that looks whole and is not.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, Unavailable
from workbench.files import sha256_of
from workbench.messages import say
from workbench.models.failures import no_space
from workbench.models.ollama import DOWNLOADING, MEGABYTE, Report
from workbench.progress import Pace

PIECE = 1 << 18  # bytes
TRIES = 4  # of a file whose connection breaks
PAUSE = 1.0  # seconds before the next
WAITS = 60.0  # seconds between two pieces
ROOM = 200e6  # bytes that stay free for everything else


@dataclass(frozen=True)
class RemoteFile:
    """A file of a model. `version` changes with its content; `sha256` is empty where not known."""

    path: str
    size: int
    url: str
    version: str
    sha256: str = ""


class Progress:
    """How much of all files has arrived, reported a few times a second."""

    def __init__(self, of: int, report: Report) -> None:
        self._of = of
        self._report = report
        self._done = 0
        self._began = time.monotonic()
        self._pace = Pace()

    def add(self, size: int) -> None:
        """Count bytes; negative where a file begins again."""
        self._done += size
        if self._pace.is_due(last=self._done >= self._of):
            self._report(self._line(time.monotonic() - self._began))

    def _line(self, seconds: float) -> dict[str, Any]:
        return {
            "event": "progress",
            "stage": DOWNLOADING,
            "done": round(self._done / MEGABYTE, 1),
            "of": round(self._of / MEGABYTE, 1),
            "seconds": round(seconds, 1),
        }


def fetch_files(
    name: str, files: Sequence[RemoteFile], folder: Path, headers: Mapping[str, str], report: Report
) -> None:
    """Download the files of a model that the folder lacks.

    Raises WorkbenchError for a full disk, Unavailable where a connection breaks several times or a
    file is not what it should be, httpx.HTTPError where the hub refuses.
    """
    import httpx

    total = sum(file.size for file in files)
    arrived = sum(_arrived(file, folder) for file in files)
    folder.mkdir(parents=True, exist_ok=True)
    if total - arrived > shutil.disk_usage(folder).free - ROOM:
        raise no_space(name)
    progress = Progress(total, report)
    progress.add(arrived)
    # a redirect to another host loses the token: httpx takes it out
    with httpx.Client(follow_redirects=True, timeout=WAITS) as client:
        for file in files:
            if not _target(file, folder).exists():
                _fetch(client, file, folder, headers, progress)


def _target(file: RemoteFile, folder: Path) -> Path:
    """Where the file belongs; a path that leads out of the folder is refused."""
    target = (folder / file.path).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise InvalidInput(
            say("The model has a file that leads out of its folder: {path}", path=file.path),
            "Do not use this model.",
        )
    return target


def _part(file: RemoteFile, folder: Path) -> Path:
    target = _target(file, folder)
    return target.with_name(f".{target.name}.{file.version[:12]}.part")


def _arrived(file: RemoteFile, folder: Path) -> int:
    if _target(file, folder).exists():
        return file.size
    part = _part(file, folder)
    return part.stat().st_size if part.exists() else 0


def _fetch(
    client: Any, file: RemoteFile, folder: Path, headers: Mapping[str, str], progress: Progress
) -> None:
    """The file whole, over as many connections as TRIES."""
    import httpx

    part = _part(file, folder)
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, TRIES + 1):
        try:
            _read_on(client, file, part, headers, progress)
            break
        except httpx.TransportError:
            if attempt == TRIES:
                raise
            time.sleep(PAUSE)
    _check(file, part)
    part.replace(_target(file, folder))


def _read_on(
    client: Any, file: RemoteFile, part: Path, headers: Mapping[str, str], progress: Progress
) -> None:
    there = part.stat().st_size if part.exists() else 0
    if there and there == file.size:
        return
    wanted = {"Range": f"bytes={there}-"} if there else {}
    with client.stream("GET", file.url, headers={**headers, **wanted}) as answer:
        answer.raise_for_status()
        goes_on = answer.status_code == 206
        if there and not goes_on:  # the server sends it from its beginning
            progress.add(-there)
        with part.open("ab" if goes_on else "wb") as out:
            for piece in answer.iter_bytes(PIECE):
                out.write(piece)
                progress.add(len(piece))


def _check(file: RemoteFile, part: Path) -> None:
    right = part.stat().st_size == file.size
    if right and file.sha256:
        right = sha256_of(part) == file.sha256
    if not right:
        part.unlink()
        raise Unavailable(
            say("{file} did not arrive as it should be.", file=file.path),
            "Run it again: that file is fetched from its beginning.",
        )
