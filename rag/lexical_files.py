"""A collection -> its lexical index as it is now: from memory, from disk, changed, or built."""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np

from rag.lexical import FORMAT, LexicalIndex
from rag.postings import decoded, encoded
from rag.store import Collection
from workbench.errors import Unwritable
from workbench.files import locked, remove

SMALL = 10_000  # passages: an index of fewer is built again in a second

_indexes: dict[Path, tuple[int, LexicalIndex]] = {}  # collection's folder -> (revision, its index)
_locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)  # one thread builds each


def lexical_index(collection: Collection) -> LexicalIndex:
    """The lexical index of the collection as it is now."""
    folder = collection.folder
    with _locks[folder]:
        revision = collection.revision
        if folder not in _indexes or _indexes[folder][0] != revision:
            _indexes[folder] = (revision, _open(collection, revision))
        return _indexes[folder][1]


def _open(collection: Collection, revision: int) -> LexicalIndex:
    path = collection.folder / f"lexical-{FORMAT}-{revision}"
    found = _load(path)
    if found:
        return found
    with ExitStack() as lock:
        with suppress(Unwritable):  # a full disk, or a workspace that may only be read
            lock.enter_context(locked(collection.folder / "lexical"))
        return _load(path) or _make(collection, path)  # another process may have been first


def _make(collection: Collection, path: Path) -> LexicalIndex:
    """Change an older index or build it, and write it in place of all others."""
    remove(path)
    index = _changed(collection) or LexicalIndex.build(collection.texts())
    with suppress(Unwritable):  # this process has it in memory
        index.save(path)
    killed = collection.folder.glob(".lexical-*.part")  # what a process left that was killed
    for old in (*collection.folder.glob("lexical-*"), *killed):
        if old != path:
            shutil.rmtree(old, ignore_errors=True)
    return index


def _changed(collection: Collection) -> LexicalIndex | None:
    """An older index with what has changed since; None where building it again is as good."""
    if collection.count() < SMALL:
        return None
    older = _newest(collection.folder)
    if older is None:
        return None
    known = np.sort(older.encoded_ids)
    wanted = np.sort(encoded(collection.ids()))
    come = _lacking(wanted, known)
    if len(come) > len(wanted) // 2:
        return None
    gone = _lacking(known, wanted)
    return older.changed(decoded(gone), collection.texts(decoded(come)))


def _lacking(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Those of some ids that others lack; both ascending, for which this is the fastest way."""
    if not len(others):
        return some
    places = np.minimum(np.searchsorted(others, some), len(others) - 1)
    return some[others[places] != some]


def _newest(folder: Path) -> LexicalIndex | None:
    """The index that was written last, of those that can be read."""
    found = sorted(folder.glob(f"lexical-{FORMAT}-*"), key=lambda path: path.stat().st_mtime)
    return next(filter(None, map(_load, reversed(found))), None)


def _load(path: Path) -> LexicalIndex | None:
    """The index in that folder; None where it is missing or damaged."""
    try:
        return LexicalIndex.load(path)
    except (OSError, ValueError, EOFError, KeyError, TypeError, IndexError):
        return None
