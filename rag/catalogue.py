"""Documents, passages and their vectors in one SQLite file: the truth that Chroma and the lexical index follow."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.passages import Locator, Passage
from workbench.errors import WorkbenchError
from workbench.messages import say

SCHEMA = """
create table if not exists collections (
    id integer primary key autoincrement, name text not null unique, embedder text not null, dimension integer not null,
    revision integer not null default 0, generation integer not null default 1, dirty integer not null default 0,
    created text not null default (datetime('now')));
create table if not exists documents (
    collection integer not null references collections(id) on delete cascade, source text not null,
    sha256 text not null, size integer not null, modified integer not null, state text not null,
    problem text not null default '', fix text not null default '', passages integer not null default 0,
    primary key (collection, source)) without rowid;
create table if not exists passages (
    collection integer not null references collections(id) on delete cascade, id text not null,
    source text not null, position integer not null, text text not null, locator text not null, vector blob not null,
    primary key (collection, id));
create index if not exists passages_in_order on passages (collection, source, position);
"""


_readers = (
    threading.local()
)  # path -> (inode, this thread's connection): opening one costs more than most reads


@dataclass(frozen=True)
class Document:
    """One file as the collection knows it. `state` is indexed, empty or failed; `modified` is in nanoseconds."""

    source: str
    sha256: str
    size: int
    modified: int
    state: str
    problem: str = ""
    fix: str = ""
    passages: int = 0


class Catalogue:
    """The SQLite file of a workspace. Each call opens its own connection, so threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.connect() as database:
            database.executescript(SCHEMA)

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end, rolled back by an error."""
        with self._maps_errors(), closing(sqlite3.connect(self.path, timeout=30)) as database:
            database.execute("pragma journal_mode = wal")
            database.execute("pragma foreign_keys = on")
            with database:
                yield database

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's open connection; each statement sees what is committed by then."""
        with self._maps_errors():
            held = _readers.__dict__.get(str(self.path))
            inode = self.path.stat().st_ino if self.path.exists() else 0
            if held is None or held[0] != inode:
                held = inode, sqlite3.connect(self.path, timeout=30, isolation_level=None)
                _readers.__dict__[str(self.path)] = held
            yield held[1]

    @contextmanager
    def _maps_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise WorkbenchError(
                say(
                    "The index {name} cannot be written or read: {error}",
                    name=self.path.name,
                    error=error,
                ),
                "Free disk space or check the folder's permissions; what was indexed before is kept.",
            ) from error

    def collection(self, name: str) -> dict[str, Any] | None:
        """The collection's row, or None."""
        with self.connect() as database:
            database.row_factory = sqlite3.Row
            row = database.execute("select * from collections where name = ?", (name,)).fetchone()
        return dict(row) if row else None

    def names(self) -> list[str]:
        with self.connect() as database:
            return [
                row[0] for row in database.execute("select name from collections order by name")
            ]

    def revision(self, collection: int) -> int:
        with self._reading() as database:
            row = database.execute(
                "select revision from collections where id = ?", (collection,)
            ).fetchone()
        return row[0] if row else -1

    def documents(self, collection: int) -> list[Document]:
        with self.connect() as database:
            rows = database.execute(
                "select source, sha256, size, modified, state, problem, fix, passages from documents"
                " where collection = ? order by source",
                (collection,),
            )
            return [Document(*row) for row in rows]

    def count(self, collection: int) -> int:
        with self._reading() as database:
            return database.execute(
                "select count(*) from passages where collection = ?", (collection,)
            ).fetchone()[0]

    def passages(
        self, collection: int, ids: Sequence[str] | None = None, source: str | None = None
    ) -> list[tuple[Passage, np.ndarray]]:
        """Passages with their vectors: all in reading order, those of one document, or the named ones as named."""
        columns = (
            "select id, text, source, position, locator, vector from passages where collection = ?"
        )
        with self._reading() as database:
            if ids is not None:
                marks = ",".join("?" * len(ids))
                rows = {
                    row[0]: row
                    for row in database.execute(
                        f"{columns} and id in ({marks})", (collection, *ids)
                    )
                }
                return [_passage(rows[name]) for name in ids if name in rows]
            if source is not None:
                found = database.execute(
                    f"{columns} and source = ? order by position", (collection, source)
                )
            else:
                found = database.execute(f"{columns} order by source, position", (collection,))
            return [_passage(row) for row in found]

    def texts(self, collection: int) -> Iterator[tuple[str, str]]:
        """(id, text) of every passage in reading order, one at a time."""
        with self.connect() as database:
            yield from database.execute(
                "select id, text from passages where collection = ? order by source, position",
                (collection,),
            )

    def ids(self, collection: int) -> list[str]:
        with self.connect() as database:
            query = "select id from passages where collection = ? order by source, position"
            return [row[0] for row in database.execute(query, (collection,))]

    def replace(
        self,
        collection: int,
        documents: Sequence[Document],
        passages: Sequence[Passage],
        vectors: np.ndarray,
    ) -> list[str]:
        """Put these documents and their passages in place of what stood under the same sources, in one transaction.

        Returns the ids that are no longer there. The collection is dirty until `settle`.
        """
        with self.connect() as database:
            old = _ids_of(database, collection, [document.source for document in documents])
            for document in documents:
                key = (collection, document.source)
                database.execute("delete from passages where collection = ? and source = ?", key)
                database.execute("delete from documents where collection = ? and source = ?", key)
            database.executemany(
                "insert into documents values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(collection, *asdict(document).values()) for document in documents],
            )
            database.executemany(
                "insert into passages values (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        collection,
                        passage.id,
                        passage.source,
                        passage.position,
                        passage.text,
                        json.dumps(asdict(passage.locator), ensure_ascii=False),
                        vector.astype(np.float32).tobytes(),
                    )
                    for passage, vector in zip(passages, vectors, strict=True)
                ],
            )
            _touch(database, collection)
        return sorted(set(old) - {passage.id for passage in passages})

    def remove(self, collection: int, sources: Sequence[str]) -> list[str]:
        """Drop these documents; returns the ids that are no longer there. Dirty until `settle`."""
        with self.connect() as database:
            old = _ids_of(database, collection, sources)
            for table in ("passages", "documents"):
                database.executemany(
                    f"delete from {table} where collection = ? and source = ?",  # noqa: S608
                    [(collection, source) for source in sources],
                )
            _touch(database, collection)
        return old

    def settle(self, collection: int) -> None:
        """Chroma holds what this file holds; the revision moves again, so that readers look at Chroma anew."""
        with self.connect() as database:
            database.execute(
                "update collections set dirty = 0, revision = revision + 1 where id = ?",
                (collection,),
            )


def _touch(database: sqlite3.Connection, collection: int) -> None:
    database.execute(
        "update collections set revision = revision + 1, dirty = 1 where id = ?", (collection,)
    )


def _ids_of(database: sqlite3.Connection, collection: int, sources: Sequence[str]) -> list[str]:
    query = "select id from passages where collection = ? and source = ?"
    return [row[0] for source in sources for row in database.execute(query, (collection, source))]


def _passage(row: tuple[Any, ...]) -> tuple[Passage, np.ndarray]:
    locator = json.loads(row[4])
    place = Locator(locator["page"], locator["sheet"], tuple(locator["heading"]), locator["line"])
    return Passage(row[0], row[1], row[2], row[3], place), np.frombuffer(row[5], np.float32)
