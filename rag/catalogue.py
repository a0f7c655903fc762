"""Documents, passages and vectors in one SQLite file: Chroma and the lexical index follow it.

All SQL of the package stands here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.catalogue_rows import (
    blob,
    document_row,
    passage_row,
    read_document,
    read_passage,
)
from rag.passages import Document, Passage
from rag.sqlite_file import SqliteFile
from workbench.errors import Conflict
from workbench.messages import say
from workbench.settings import Settings
from workbench.sqlite_store import Store, version_in

HIDDEN = "."  # begins the names of collections that belong to chats and programs

SCHEMA = """
create table if not exists collections (
    id integer primary key autoincrement,
    name text not null unique,
    embedder text not null,
    dimension integer not null,
    revision integer not null default 0,
    generation integer not null default 1,
    dirty integer not null default 0,
    created text not null default (datetime('now'))
);
create table if not exists documents (
    collection integer not null references collections(id) on delete cascade,
    source text not null,
    sha256 text not null,
    size integer not null,
    modified integer not null,
    state text not null,
    problem text not null default '',
    fix text not null default '',
    passages integer not null default 0,
    primary key (collection, source)
) without rowid;
create table if not exists passages (
    collection integer not null references collections(id) on delete cascade,
    id text not null,
    source text not null,
    position integer not null,
    text text not null,
    locator text not null,
    vector blob not null,
    primary key (collection, id)
);
create index if not exists passages_in_order on passages (collection, source, position);
"""


def _add_changed(database: sqlite3.Connection) -> None:
    """Add when documents last came or went. Files without a number may have it already."""
    columns = [row[1] for row in database.execute("pragma table_info(collections)")]
    if "changed" not in columns:
        database.execute("alter table collections add column changed text")


STORE = Store("index.db", [SCHEMA, _add_changed], known_by="collections")

# the tables and their keys, in the order in which they refer to each other
TABLES = {
    "collections": ("id",),
    "documents": ("collection", "source"),
    "passages": ("collection", "id"),
}
PART = 10_000  # ids in one question to the file; SQLite takes 32,766
TEXTS = "select id, text from passages where collection = ?"
PASSAGES = "select id, text, source, position, locator, vector from passages where collection = ?"


class Catalogue(SqliteFile):
    """The collections of a workspace, each known by its number.

    A write is one transaction. Threads and processes may use the same file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if not self._is_current():
            STORE.bring_up_to_date(path)

    def _is_current(self) -> bool:
        """Whether the file has the newest tables. Each question asks, so no file is opened."""
        if not self.path.exists():
            return False
        with self.reading() as database:
            return version_in(database) == STORE.newest

    def names(self, *, hidden: bool = False) -> list[str]:
        """The names in order; one that begins with a dot only if asked."""
        with self.connect() as database:
            names = _column(database.execute("select name from collections order by name"))
        return [name for name in names if hidden or not name.startswith(HIDDEN)]

    def holding(self, sha256: str) -> list[str]:
        """The names of the collections, not hidden ones, that have read a file of that content."""
        query = (
            "select distinct name from collections join documents on collection = id"
            " where sha256 = ? and state = 'indexed' order by name"
        )
        with self.connect() as database:
            names = _column(database.execute(query, (sha256,)))
        return [name for name in names if not name.startswith(HIDDEN)]

    def collection(self, name: str) -> dict[str, Any] | None:
        """The collection's row, or None."""
        with self.reading() as database:
            cursor = database.execute("select * from collections where name = ?", (name,))
            row = cursor.fetchone()
        columns = [column[0] for column in cursor.description]
        return dict(zip(columns, row, strict=True)) if row else None

    def add_collection(self, name: str, embedder: str, dimension: int) -> None:
        """Add an empty collection. Raises Conflict where the name is taken."""
        query = "insert into collections (name, embedder, dimension) values (?, ?, ?)"
        try:
            with self.connect() as database:
                database.execute(query, (name, embedder, dimension))
        except sqlite3.IntegrityError as error:
            raise Conflict(
                say("The collection {name} exists.", name=name),
                "Add files to it, or choose another name.",
            ) from error

    def delete_collection(self, collection: int) -> None:
        """Delete the collection; its documents and passages go with it."""
        with self.connect() as database:
            database.execute("delete from collections where id = ?", (collection,))

    def rename(self, collection: int, name: str) -> None:
        """Give the collection a name that no other one has."""
        with self.connect() as database:
            database.execute("update collections set name = ? where id = ?", (name, collection))

    def revision(self, collection: int) -> int:
        """Grows with every change; -1 where the collection was deleted."""
        query = "select revision from collections where id = ?"
        with self.reading() as database:
            row = database.execute(query, (collection,)).fetchone()
        return row[0] if row else -1

    def documents(self, collection: int) -> list[Document]:
        """The documents by source."""
        query = (
            "select source, sha256, size, modified, state, problem, fix, passages"
            " from documents where collection = ? order by source"
        )
        with self.connect() as database:
            return [read_document(row) for row in database.execute(query, (collection,))]

    def sources(self, collection: int) -> list[str]:
        """The sources of the documents that have passages, in order."""
        query = (
            "select source from documents where collection = ? and state = 'indexed'"
            " order by source"
        )
        with self.reading() as database:
            return _column(database.execute(query, (collection,)))

    def count(self, collection: int) -> int:
        """The number of passages."""
        query = "select count(*) from passages where collection = ?"
        with self.reading() as database:
            return database.execute(query, (collection,)).fetchone()[0]

    def ids(self, collection: int) -> list[str]:
        """The passages' ids in their own order: the index that keeps them unique has them so."""
        query = "select id from passages where collection = ? order by id"
        with self.reading() as database:
            return _column(database.execute(query, (collection,)))

    def texts(self, collection: int) -> Iterator[tuple[str, str]]:
        """(id, text) of every passage in reading order, one at a time."""
        query = f"{TEXTS} order by source, position"
        with self.connect() as database:
            yield from database.execute(query, (collection,))

    def texts_of(self, collection: int, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(id, text) of these passages in reading order, a part at a time."""
        for start in range(0, len(ids), PART):
            part = ids[start : start + PART]
            marks = ",".join("?" * len(part))
            query = f"{TEXTS} and id in ({marks}) order by source, position"
            with self.reading() as database:
                yield from database.execute(query, (collection, *part)).fetchall()

    def passages(self, collection: int) -> list[Passage]:
        """All passages in reading order."""
        query = f"{PASSAGES} order by source, position"
        with self.reading() as database:
            return [read_passage(row) for row in database.execute(query, (collection,))]

    def passages_of(self, collection: int, source: str) -> list[Passage]:
        """One document's passages in reading order."""
        query = f"{PASSAGES} and source = ? order by position"
        with self.reading() as database:
            return [read_passage(row) for row in database.execute(query, (collection, source))]

    def with_vectors(self, collection: int, ids: Sequence[str]) -> list[tuple[Passage, np.ndarray]]:
        """The passages of these ids in this order, with their vectors; unknown ids are left out."""
        marks = ",".join("?" * len(ids))
        query = f"{PASSAGES} and id in ({marks})"
        with self.reading() as database:
            rows = {row[0]: row for row in database.execute(query, (collection, *ids))}
        found = [rows[name] for name in ids if name in rows]
        return [(read_passage(row), np.frombuffer(row[5], np.float32)) for row in found]

    def replace(
        self,
        collection: int,
        documents: Sequence[Document],
        passages: Sequence[Passage],
        vectors: np.ndarray,
    ) -> list[str]:
        """Put documents with their passages in place of those of the same sources.

        Returns the ids that have disappeared. The collection is dirty until `settle`.
        """
        sources = [document.source for document in documents]
        with self.connect() as database:
            before = _ids_of(database, collection, sources)
            _delete(database, collection, sources)
            database.executemany(
                "insert into documents values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [document_row(collection, document) for document in documents],
            )
            rows = zip(passages, vectors, strict=True)
            database.executemany(
                "insert into passages values (?, ?, ?, ?, ?, ?, ?)",
                [passage_row(collection, passage, vector) for passage, vector in rows],
            )
            _touch(database, collection)
        return sorted(set(before) - {passage.id for passage in passages})

    def remove(self, collection: int, sources: Sequence[str]) -> list[str]:
        """Drop documents; returns the ids that have disappeared. Dirty until `settle`."""
        with self.connect() as database:
            before = _ids_of(database, collection, sources)
            _delete(database, collection, sources)
            _touch(database, collection)
        return before

    def settle(self, collection: int) -> None:
        """Note that Chroma has what this file has.

        The revision grows once more, so that readers open Chroma again.
        """
        query = "update collections set dirty = 0, revision = revision + 1 where id = ?"
        with self.connect() as database:
            database.execute(query, (collection,))

    def reembed(
        self,
        collection: int,
        embedder: str,
        dimension: int,
        generation: int,
        vectors: Iterable[tuple[str, np.ndarray]],
    ) -> None:
        """Take another embedder: (id, vector) of every passage, all in one transaction."""
        rows = ((blob(vector), collection, name) for name, vector in vectors)
        with self.connect() as database:
            database.executemany(
                "update passages set vector = ? where collection = ? and id = ?", rows
            )
            database.execute(
                "update collections set embedder = ?, dimension = ?, generation = ?,"
                " revision = revision + 1 where id = ?",
                (embedder, dimension, generation, collection),
            )


def _column(rows: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [row[0] for row in rows]


def _touch(database: sqlite3.Connection, collection: int) -> None:
    query = (
        "update collections set revision = revision + 1, dirty = 1, changed = datetime('now')"
        " where id = ?"
    )
    database.execute(query, (collection,))


def _delete(database: sqlite3.Connection, collection: int, sources: Sequence[str]) -> None:
    keys = [(collection, source) for source in sources]
    database.executemany("delete from passages where collection = ? and source = ?", keys)
    database.executemany("delete from documents where collection = ? and source = ?", keys)


def _ids_of(database: sqlite3.Connection, collection: int, sources: Sequence[str]) -> list[str]:
    query = "select id from passages where collection = ? and source = ?"
    ids: list[str] = []
    for source in sources:
        ids += _column(database.execute(query, (collection, source)))
    return ids


def move_sources(path: Path, old: str, new: str) -> None:
    """Give documents below the folder `old` their places below `new`. The file keeps its version.

    A passage keeps its id, so what refers to it finds it.
    """
    with SqliteFile(path).connect() as database:
        for table in ("documents", "passages"):
            database.execute(
                f"update {table} set source = ? || substr(source, ?)"  # noqa: S608 – our names
                " where substr(source, 1, ?) = ?",
                (new, len(old) + 1, len(old) + 1, f"{old}/"),
            )


def sources_of(path: Path) -> dict[str, list[str]]:
    """Collection -> the places of its documents, by a file of any version."""
    query = "select name, source from documents join collections on id = collection order by 1, 2"
    found: dict[str, list[str]] = {}
    with SqliteFile(path).connect() as database:
        for name, source in database.execute(query):
            found.setdefault(name, []).append(source)
    return found


def drop_incomplete(path: Path) -> dict[str, list[str]]:
    """Take out documents whose passages are not all present; returns collection -> sources."""
    query = (
        "select name, collection, source from documents join collections on id = collection"
        " where passages <> (select count(*) from passages where passages.collection ="
        " documents.collection and passages.source = documents.source)"
    )
    orphans = (
        "delete from passages where not exists (select 1 from documents where"
        " documents.collection = passages.collection and documents.source = passages.source)"
    )
    dropped: dict[str, list[str]] = {}
    with SqliteFile(path).connect() as database:
        for name, collection, source in database.execute(query).fetchall():
            dropped.setdefault(name, []).append(source)
            _delete(database, collection, [source])
        database.execute(orphans)
        database.execute("update collections set dirty = 1, revision = revision + 1")
    return dropped


def place_of(settings: Settings, name: str) -> Settings:
    """The settings of the workspace that the collection lies in.

    Hidden ones are of a person's chats, so they lie in what is the person's own.
    """
    return settings.own if name.startswith(HIDDEN) else settings


def exists(settings: Settings, name: str) -> bool:
    """Whether there is a collection of that name, told without loading Chroma."""
    return Catalogue(place_of(settings, name).folder() / STORE.name).collection(name) is not None


def with_existing(settings: Settings) -> Settings:
    """The first collection by name, where nobody has chosen one and the usual one is missing."""
    if "collection" in settings.model_fields_set or exists(settings, settings.collection):
        return settings
    names = Catalogue(settings.folder() / STORE.name).names()
    return settings.model_copy(update={"collection": names[0]}) if names else settings
