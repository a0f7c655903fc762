"""Files written whole or not at all, and JSON that processes change one after another."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from workbench.disk import maps_disk_errors
from workbench.errors import Damaged
from workbench.messages import say

DAY = 86_400  # seconds


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write a file or folder to; it replaces `path` at the end.

    After an exception or a kill the old content is untouched: readers see the old or the new
    content, never a half. Raises Unwritable.
    """
    with maps_disk_errors(path):
        yield from _writing(path)


def _writing(path: Path) -> Iterator[Path]:
    # beside the path: only within one file system is replacing it one step
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    with filling(path.parent):
        try:
            yield part
            if part.is_dir() and path.is_dir():
                shutil.rmtree(path)  # a folder cannot replace a full one
            part.replace(path)
        finally:
            remove(part)


@contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Make the folder where it is missing; after an exception a new and empty one goes again."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()
        raise


def write_text(path: Path, text: str) -> None:
    """The text as UTF-8, whole or not at all."""
    with writing(path) as part:
        part.write_text(text, "utf-8")


def write_json(path: Path, data: Any) -> None:
    """The data as indented JSON, whole or not at all; types that JSON lacks become text."""
    write_text(path, json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")


def read_json(path: Path, default: Any = None) -> Any:
    """The file's JSON, or `default` without a file.

    Raises Damaged for other content, also for JSON of another kind than `default`.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return default
    except (ValueError, RecursionError) as error:
        raise Damaged(say("{path} is damaged: {error}", path=path, error=error)) from error
    if default is not None and not isinstance(data, type(default)):
        raise Damaged(say("{path} is damaged: {error}", path=path, error="not what it should be"))
    return data


def update_json(path: Path, change: Callable[[Any], Any], default: Any = None) -> Any:
    """Replace the file's JSON by `change(content)` under its lock; returns the new content."""
    with locked(path):
        data = change(read_json(path, default))
        write_json(path, data)
    return data


@contextmanager
def locked(path: Path, timeout: float = -1) -> Iterator[None]:
    """Let one process and thread at a time inside for that path.

    Waits `timeout` seconds, -1 for ever, then raises filelock.Timeout. Raises Unwritable.
    """
    from filelock import FileLock

    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=timeout)
    with maps_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, now or before: whole or not at all, by one process at a time.

    What a killed process has left of it is removed first. Raises what `make` raises.
    """
    if folder.is_dir():
        return folder
    with locked(folder):
        if not folder.is_dir():  # else another process was first
            remove_parts(folder)
            with writing(folder) as part:
                part.mkdir()
                make(part)
    return folder


def sha256_of(path: Path) -> str:
    """The sha256 of the file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_parts(path: Path) -> None:
    """Delete what killed processes have begun to write for that path."""
    for left in path.parent.glob(f".{escape(path.name)}.*.part"):
        remove(left)


def remove_old_parts(folder: Path) -> None:
    """Delete the parts of files in the folder that nobody has written to for a day."""
    for left in folder.rglob(".*.part"):
        if left.is_file() and time.time() - left.stat().st_mtime > DAY:
            left.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Delete the file or folder, where it exists."""
    # of a link to a folder only the link goes
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
