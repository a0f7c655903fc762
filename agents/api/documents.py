"""`/v1/collections`: the documents of a workspace, listed, read, added and removed."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, File, UploadFile
from pydantic import BaseModel

from agents.api.access import Needs, NeedsRole, Workspace
from agents.api.jobs import JobFacts, facts_of
from agents.api.problems import PROBLEMS
from rag.passages import Document
from rag.removal import take_out
from rag.store import Collection, check_name, list_collections, open_collection
from workbench.confined import check_may_change
from workbench.errors import InvalidInput, NotFound
from workbench.files import writing
from workbench.jobs.job import start
from workbench.messages import say
from workbench.room import check_room
from workbench.settings import Settings
from workbench.ui.uploads import safe_name

HIDDEN = "."  # how names begin of what belongs to single chats
MOST_FILES = 100
DIGITS = 16  # of the sha256 that names a document
CHANGES = [Depends(NeedsRole("editor"))]
router = APIRouter(
    prefix="/v1/collections",
    tags=["documents"],
    responses=PROBLEMS,
    dependencies=[Depends(Needs("documents"))],
)


class CollectionFacts(BaseModel):
    """A collection."""

    name: str
    documents: int
    passages: int
    embedder: str
    changed: str


class Collections(BaseModel):
    """All of them."""

    data: list[CollectionFacts]


class DocumentFacts(BaseModel):
    """A document; `state` is indexed, empty or failed."""

    id: str
    name: str
    state: str
    passages: int
    size: int
    problem: str


class Documents(BaseModel):
    """Those of one collection."""

    data: list[DocumentFacts]


class PassageText(BaseModel):
    """What an answer cites."""

    id: str
    document: str
    place: str
    text: str


class Removed(BaseModel):
    """What was removed."""

    id: str
    deleted: bool = True


@router.get("")
def collections(settings: Workspace) -> Collections:
    """The collections."""
    return Collections(data=[_collection(found) for found in list_collections(settings)])


@router.get("/{name}/documents")
def documents(name: str, settings: Workspace) -> Documents:
    """The documents of a collection and how each was read."""
    return Documents(data=[_document(one) for one in _open(settings, name).documents()])


@router.post("/{name}/documents", status_code=202, dependencies=CHANGES)
def add(
    name: str,
    files: Annotated[list[UploadFile], File(description="one or several files")],
    settings: Workspace,
) -> JobFacts:
    """Keep the files and read them in a job; the collection is made where it is new."""
    check_name(name)
    if name.startswith(HIDDEN):
        raise _unknown(name)
    if len(files) > MOST_FILES:
        raise InvalidInput("There are too many files.", say("Send {most}.", most=MOST_FILES))
    check_room(settings, sum(file.size or 0 for file in files))
    paths = [_keep(settings, name, file) for file in files]
    command = ["rag", "ingest", *map(str, paths), "--collection", name, "--json"]
    job = start(settings, f"Reading {len(paths)} files into {name}", command)
    return facts_of(job)


@router.delete("/{name}/documents/{document}", dependencies=CHANGES)
def remove(name: str, document: str, settings: Workspace) -> Removed:
    """Take a document out of the index; its file stays."""
    collection = _open(settings, name)
    sources = [one.source for one in collection.documents() if id_of(one) == document]
    if not sources:
        raise NotFound(
            say("{collection} has no document {sources}.", collection=name, sources=document),
            "List them: GET /v1/collections/NAME/documents",
        )
    take_out(collection, sources)
    return Removed(id=document)


@router.get("/{name}/passages/{passage}")
def passage(name: str, passage: str, settings: Workspace) -> PassageText:
    """A passage that an answer cites."""
    found, _ = _open(settings, name).passages_and_vectors([passage])
    if not found:
        raise NotFound("That passage no longer exists.", "Ask again.")
    (one,) = found
    file = Path(one.source).name
    return PassageText(id=one.id, document=file, place=str(one.locator), text=one.text)


def id_of(document: Document) -> str:
    """A short name of the document, from its path."""
    return hashlib.sha256(document.source.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]


def _open(settings: Settings, name: str) -> Collection:
    if name.startswith(HIDDEN):
        raise _unknown(name)
    return open_collection(settings, name)


def _unknown(name: str) -> NotFound:
    return NotFound(
        say("There is no collection {name}.", name=name), "List them: GET /v1/collections"
    )


def _keep(settings: Settings, collection: str, file: UploadFile) -> Path:
    check_may_change(settings)
    path = settings.folder("uploads", safe_name(collection)) / safe_name(file.filename or "")
    with writing(path) as part, part.open("wb") as out:
        shutil.copyfileobj(file.file, out)
    return path


def _collection(found: Collection) -> CollectionFacts:
    return CollectionFacts(
        name=found.name,
        documents=len(found.documents()),
        passages=found.count(),
        embedder=found.embedder,
        changed=found.changed,
    )


def _document(document: Document) -> DocumentFacts:
    return DocumentFacts(
        id=id_of(document),
        name=Path(document.source).name,
        state=document.state,
        passages=document.passages,
        size=document.size,
        problem=f"{document.problem} {document.fix}".strip(),
    )
