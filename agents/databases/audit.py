"""A statement and its verdict -> a line of `data/audit.jsonl` of the workspace, bounded in size."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from agents.databases.sources import DataSource
from workbench.disk import maps_disk_errors
from workbench.files import locked
from workbench.settings import Settings
from workbench.who import who_acts

LONGEST_TEXT = 4_000  # characters of a statement or problem
LARGEST_FILE = 5_000_000  # bytes; then a new file begins
OLDER_FILES = 4  # audit.1.jsonl is the newest of them


def audit(settings: Settings, source: DataSource, sql: str, verdict: str, **facts: Any) -> None:
    """Append one line.

    Of a long text the beginning is kept, with its length and sha256, so that it can be compared.
    Processes take turns, and begin a new file where the old one is full. Raises Unwritable.
    """
    line: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "who": who_acts(settings),
        "source": source.name,
        "verdict": verdict,
        "sql": sql,
    }
    short = _shortened(line | facts)
    # a lone surrogate is no UTF-8; what stands in its place is JSON's own escape of it
    data = (json.dumps(short, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
    path = settings.folder("data") / "audit.jsonl"
    with maps_disk_errors(path), locked(path):
        _make_room(path, len(data))
        _append(path, data)


def _shortened(line: dict[str, Any]) -> dict[str, Any]:
    short: dict[str, Any] = {}
    for name, value in line.items():
        short[name] = value
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            whole = value.encode("utf-8", "backslashreplace")
            short[name] = value[:LONGEST_TEXT] + "…"
            short[f"{name}_characters"] = len(value)
            short[f"{name}_sha256"] = hashlib.sha256(whole).hexdigest()
    return short


def _make_room(path: Path, size: int) -> None:
    """Where the file would grow too large, it becomes `audit.1.jsonl` and the oldest one goes."""
    if not path.exists() or path.stat().st_size + size <= LARGEST_FILE:
        return
    files = [path]
    files += [path.with_name(f"audit.{number}.jsonl") for number in range(1, OLDER_FILES + 1)]
    for newer, older in reversed(list(pairwise(files))):
        if newer.exists():
            newer.replace(older)


def _append(path: Path, data: bytes) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        before = os.fstat(log).st_size
        if os.write(log, data) < len(data):  # the disk became full within the line
            os.ftruncate(log, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(log)
