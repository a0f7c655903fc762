"""A folder -> the regular files in it, and what is left out: pipes, devices, links that lead out.

A pipe would block its reader for ever, a device never ends, and a link may lead to anything that
this user can read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from workbench.errors import InvalidInput, NotFound
from workbench.messages import Message, say

KINDS = [  # what a path is that is no file
    (stat.S_ISFIFO, say("a pipe")),
    (stat.S_ISSOCK, say("a socket")),
    (stat.S_ISCHR, say("a device")),
    (stat.S_ISBLK, say("a device")),
    (stat.S_ISDIR, say("a link to a folder")),
]
LEADS_OUT = say("a link that leads out of the folder")
LEADS_NOWHERE = say("a link that leads nowhere")
Told = Callable[[Path, Message], None]


def regular_files(
    folder: Path, told: Told = lambda path, what: None, closed: Collection[str] = ()
) -> Iterator[Path]:
    """The regular files in the folder and in those below it, in order, without hidden ones.

    `told` is called with each other entry that is no folder, and with what it is. Folders named in
    `closed` are not looked into.
    """
    inside = folder.resolve()
    for root, folders, names in os.walk(folder):
        links = [name for name in folders if Path(root, name).is_symlink()]
        # os.walk descends into what this list still has
        folders[:] = sorted({*folders} - {*links, *closed})
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted([*names, *links]):
            if not name.startswith("."):
                yield from _if_regular(Path(root, name), inside, told)


def files_in(folder: Path, told: Told = lambda path, what: None) -> list[Path]:
    """The regular files of the folder itself, not of those below it, in order; as above."""
    inside = folder.resolve()
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    found: list[Path] = []
    for path in entries:
        if path.is_symlink() or not path.is_dir():
            found += _if_regular(path, inside, told)
    return found


def _if_regular(path: Path, inside: Path, told: Told) -> Iterator[Path]:
    what = no_file_inside(path, inside)
    if what is None:
        yield path
    else:
        told(path, what)


def no_file_inside(path: Path, folder: Path) -> Message | None:
    """What the path is, where it is no regular file of that (resolved) folder."""
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # gone, or links in a circle
            return LEADS_NOWHERE
        if not target.is_relative_to(folder):
            return LEADS_OUT
    return _kind(path)


def check_file(path: Path) -> None:
    """Raises NotFound where nothing exists, InvalidInput for what is neither file nor folder."""
    if path.is_file() or path.is_dir():
        return
    if not path.exists():
        raise NotFound(say("There is no file {path}.", path=path), "Check the path.")
    raise InvalidInput(say("{path} is neither a file nor a folder.", path=path), "Check the path.")


def _kind(path: Path) -> Message | None:
    try:
        mode = path.stat().st_mode
    except OSError:
        return LEADS_NOWHERE
    if stat.S_ISREG(mode):
        return None
    found = [name for fits, name in KINDS if fits(mode)]
    return found[0] if found else say("no regular file")
