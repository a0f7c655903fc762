"""A workspace that only its owner can enter: folders 0700, files 0600, those of before mended.

What a process writes from now on is the owner's alone by its umask, which its children inherit:
databases, journals, logs and locks of every library.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private() -> None:
    """Let no other user of this machine read what this process and its children write."""
    os.umask(OTHERS)


def close_to_others(home: Path) -> int:
    """Take every right of others from a workspace; returns from how many files and folders.

    The workspace itself is looked at first: where it is closed, so is what lies in it, and nothing
    more is looked at. What belongs to somebody else stays as it is, and so does a folder that is
    more than a workspace because the person's home lies in it.
    """
    if not home.is_dir() or not is_open(home) or _is_more(home):
        return 0
    found = [path for path in _inside(home) if is_open(path)]
    for path in [*found, home]:  # the workspace last: who was interrupted begins again
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
    return len(found) + 1


def is_open(path: Path) -> bool:
    """Whether others have a right on this file or folder of this user's. A link has none."""
    try:
        status = path.lstat()
    except OSError:  # gone meanwhile
        return False
    if os.name != "posix" or stat.S_ISLNK(status.st_mode) or status.st_uid != os.geteuid():
        return False
    return bool(status.st_mode & OTHERS)


def _inside(home: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(home):
        for name in [*folders, *names]:
            yield Path(root, name)


def _is_more(home: Path) -> bool:
    return Path.home().is_relative_to(home.resolve())
