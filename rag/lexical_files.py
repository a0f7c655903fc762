"""A collection -> its lexical index as it is now: from memory, from disk, changed, or built."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from rag.lexical import FORMAT, LexicalIndex
from rag.postings import decoded, encoded
from rag.store import Collection
from workbench.errors import Unwritable
from workbench.files import remove

SMALL = 10_000  # passages: an index of fewer is built anew in a second
DAMAGE = (OSError, ValueError, EOFError, KeyError, TypeError, IndexError)

_lock = threading.Lock()  # one thread builds, and the others take what it has built
_indexes: dict[str, tuple[int, LexicalIndex]] = {}  # collection's folder -> (revision, its index)


def lexical_index(collection: Collection) -> LexicalIndex:
    """The lexical index of the collection as it is now."""
    key = str(collection.folder)
    with _lock:
        revision = collection.revision
        cached = _indexes.get(key)
        if cached is None or cached[0] != revision:
            _indexes[key] = (revision, _current(collection, revision))
        return _indexes[key][1]


def _current(collection: Collection, revision: int) -> LexicalIndex:
    path = collection.folder / f"lexical-{FORMAT}-{revision}"
    try:
        return LexicalIndex.load(path)
    except DAMAGE:  # missing or damaged
        remove(path)
    index = _changed(collection) or LexicalIndex.build(collection.texts())
    with suppress(Unwritable):  # a full disk: this process has it in memory
        index.save(path)
    for old in collection.folder.glob("lexical-*"):
        if old != path:
            shutil.rmtree(old, ignore_errors=True)
    return index


def _changed(collection: Collection) -> LexicalIndex | None:
    """An older index with what has changed since; None where building it anew is as good."""
    if collection.count() < SMALL:
        return None
    for path in _newest_first(collection.folder):
        try:
            older = LexicalIndex.load(path)
        except DAMAGE:
            continue
        known = older.encoded_ids
        wanted = encoded(collection.ids())
        come = wanted[~np.isin(wanted, known)]
        if len(come) > len(wanted) // 2:
            return None
        gone = known[~np.isin(known, wanted)]
        return older.changed(decoded(gone), collection.texts(decoded(come)))
    return None


def _newest_first(folder: Path) -> Iterator[Path]:
    found = [path for path in folder.glob(f"lexical-{FORMAT}-*") if path.name.split("-")[-1]]
    yield from sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
