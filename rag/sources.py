"""Paths -> the files of a collection: what is new or changed, what is unchanged, what is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rag.passages import Document
from workbench.errors import InvalidInput
from workbench.files import sha256_of
from workbench.folders import regular_files
from workbench.messages import Message, say

SKIPPED = {"__pycache__", "node_modules", "__MACOSX"}
LOCKS = "~$"  # begins the lock files of Office


def find_files(paths: Sequence[Path], left_out: list[str] | None = None) -> list[Path]:
    """Every file under these paths, absolute, in order.

    Inside folders, hidden files are skipped, and so is what is no regular file of the folder: of
    that `left_out` gets a sentence each.
    Raises InvalidInput where a path does not exist, or where no file is found.
    """
    found: dict[Path, None] = {}

    def tell(path: Path, what: Message) -> None:
        if left_out is not None:
            left_out.append(say("{name} is left out: {what}.", name=path, what=what))

    for path in paths:
        path = path.expanduser().absolute()
        if path.is_dir():
            inside = regular_files(path, tell, SKIPPED)
            found |= dict.fromkeys(sorted(one for one in inside if _is_shown(one)))
        elif path.is_file():
            found[path] = None
        elif path.exists():  # a pipe would block its reader for ever
            raise InvalidInput(
                say("{path} is neither a file nor a folder.", path=path), "Check the path."
            )
        else:
            raise InvalidInput(say("{path} does not exist.", path=path), "Check the path.")
    if not found:
        raise InvalidInput(
            say("There is no file in {paths}.", paths=", ".join(map(str, paths))),
            "Name a file, or a folder with files.",
        )
    return list(found)


def compare(
    files: Sequence[Path], known: Mapping[str, Document], again: bool = False
) -> Iterator[tuple[Path, Document, bool]]:
    """(path, document, whether it must be read) of each file; `known` maps sources to documents.

    A file that failed before is read again, with `again` each one. An unchanged one comes with its
    known document.
    """
    for path in files:
        old = known.get(str(path))
        try:
            status = path.stat()
            if old and not again and old.state != "failed" and _same(path, status, old):
                yield path, old, False
                continue
            digest = sha256_of(path)
        except OSError:  # its reader will say what is wrong with it
            yield path, Document(str(path), "", 0, 0, ""), True
            continue
        yield path, Document(str(path), digest, status.st_size, status.st_mtime_ns, ""), True


def find_gone(
    known: Mapping[str, Document], paths: Sequence[Path], files: Sequence[Path]
) -> list[str]:
    """Sources under the given folders whose files have disappeared."""
    folders = [path.expanduser().absolute() for path in paths if path.is_dir()]
    present = {str(path) for path in files}
    gone: list[str] = []
    for source in known:
        inside = any(Path(source).is_relative_to(folder) for folder in folders)
        if inside and source not in present:
            gone.append(source)
    return gone


def _is_shown(path: Path) -> bool:
    return not path.name.startswith(LOCKS)


def _same(path: Path, status: os.stat_result, old: Document) -> bool:
    """By size and time first: reading a large file only to hash it would take seconds."""
    if (old.size, old.modified) == (status.st_size, status.st_mtime_ns):
        return True
    return old.sha256 == sha256_of(path)
