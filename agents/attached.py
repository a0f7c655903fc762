"""Files that came with a question: kept and read into a hidden collection, of the chat or by hash.

    attached/CHAT/            the files of a chat, and its collection `.chat-CHAT`
    .files-HASH               the collection of files that a command named, used again for the same

In a workspace that several people share they lie in the person's own folder of it.

A stored question carries the paths of its files in its settings, under `attached`. How each file
fared is read from the collection, and from the job that reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.catalogue import Catalogue, exists, place_of
from rag.loaders.secret import ENTER_PASSWORD
from rag.problems import fix_for_terminal, why_empty
from workbench.chat.conversations import Conversations, Message
from workbench.confined import check_may_change, inside
from workbench.errors import NotFound, WorkbenchError
from workbench.files import remove, sha256_of, writing
from workbench.jobs.job import Job, list_jobs, start
from workbench.messages import say
from workbench.room import check_room
from workbench.settings import Settings
from workbench.ui.uploads import Upload, safe_name, size_of

if TYPE_CHECKING:
    from rag.passages import Document

CHAT = ".chat-"
FILES = ".files-"
LOOKED_AT = 20  # newest jobs; older ones have long ended
KEPT = 20  # collections of files that commands named; older ones are dropped


@dataclass(frozen=True)
class AttachedFile:
    """One file of a question. `state` is reading, interrupted, indexed, empty or failed."""

    path: Path
    size: int
    state: str
    passages: int = 0
    problem: str = ""
    fix: str = ""
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def wants_password(self) -> bool:
        """Whether a password would mend it."""
        return self.fix == ENTER_PASSWORD


def chat_collection(conversation: int) -> str:
    """The name of the hidden collection of that chat's files."""
    return f"{CHAT}{conversation}"


def keep_in_chat(settings: Settings, conversation: int, files: Sequence[Upload]) -> list[Path]:
    """Write the files into the chat's folder; none replaces another one of its name.

    Raises Unwritable where they do not fit.
    """
    check_room(settings, size_of(files))
    folder = settings.own.folder("attached", str(conversation))
    return [_write(folder, safe_name(file.name), bytes(file.getbuffer())) for file in files]


def read_in_job(
    settings: Settings,
    conversation: int,
    paths: Sequence[Path],
    title: str,
    password: str = "",
) -> Job:
    """Start the job that reads files of the chat into its collection."""
    name = chat_collection(conversation)
    command = ["rag", "ingest", *map(str, paths), "--collection", name, "--json"]
    if not exists(settings, name):
        command += ["--embedder", _embedder(settings)]
    # the password stays out of the command, which the job's folder stores
    private = {"WORKBENCH_FILE_PASSWORD": password} if password else {}
    return start(settings, title, command, private, own=True)


def note_of(paths: Sequence[Path]) -> dict[str, Any]:
    """What a stored question keeps of its files, for its settings."""
    return {"attached": [{"path": str(path), "size": path.stat().st_size} for path in paths]}


def job_of(question: Message, settings: Settings) -> Job | None:
    """The newest job that reads files of a stored question."""
    name = chat_collection(question.conversation)
    paths = {file["path"] for file in _noted(question)}
    for job in list_jobs(settings)[:LOOKED_AT] if paths else []:
        if name in job.command and not paths.isdisjoint(job.command):
            return job
    return None


def sources_of(question: Message, settings: Settings) -> list[str]:
    """Those of the files that came with a stored question which can be answered from."""
    return [str(file.path) for file in files_of(question, settings) if file.state == "indexed"]


def files_of(question: Message, settings: Settings) -> list[AttachedFile]:
    """The files that came with a stored question, and how each fared."""
    noted = _noted(question)
    if not noted:
        return []
    known = _documents(settings, chat_collection(question.conversation))
    read = [known[file["path"]].state for file in noted if file["path"] in known]
    job = None
    if len(read) < len(noted) or "failed" in read:  # some may be read now
        job = job_of(question, settings)
    found = []
    for file in noted:
        path, size = Path(file["path"]), int(file["size"])
        document = known.get(str(path))
        if document and (document.state != "failed" or not _reads(job, path)):
            found.append(_fared(path, size, document))
        else:
            found.append(_not_read(path, size, job))
    return found


def read_now(
    paths: Sequence[Path], settings: Settings, passwords: Mapping[str, str] | None = None
) -> tuple[str, list[AttachedFile]]:
    """Read files into a hidden collection of theirs; its name, and how each file fared.

    The same files (by name and content) are read once. The name is empty where none can be opened.
    """
    from rag.ingest import ingest

    paths = [inside(path, settings) for path in paths]
    refused = {path: problem for path in paths if (problem := _refusal(path))}
    usable = [path for path in paths if path not in refused]
    found = [AttachedFile(path, 0, "failed", 0, *why) for path, why in refused.items()]
    if not usable:
        return "", found
    name = FILES + _digest(usable)
    known = _documents(settings, name)
    if not known or any(document.state == "failed" for document in known.values()):
        _delete(settings, name)
        ingest(usable, name, settings, embedder=_embedder(settings), passwords=passwords)
        known = _documents(settings, name)
        _drop_oldest(settings)
    for one in known.values():
        file = _fared(Path(one.source), one.size, one)
        found.append(replace(file, fix=fix_for_terminal(file.name, file.fix)))
    return name, found


def copy_into(
    settings: Settings, paths: Sequence[Path], collection: str, title: str
) -> tuple[Job, list[Path]]:
    """Keep a chat's files in another collection too: copies, and the job that reads them there."""
    check_may_change(settings)
    folder = settings.folder("uploads", safe_name(collection))
    copies = [_write(folder, path.name, inside(path, settings).read_bytes()) for path in paths]
    command = ["rag", "ingest", *map(str, copies), "--collection", collection, "--json"]
    return start(settings, title, command), copies


def take_back(settings: Settings, job: Job, copies: Sequence[Path], collection: str) -> None:
    """Undo `copy_into`."""
    from rag.store import open_collection

    if job.state == "running":
        job.cancel()
    if exists(settings, collection):
        opened = open_collection(settings, collection)
        with opened.writing():
            opened.remove([str(copy) for copy in copies])
    for copy in copies:
        remove(copy)


def collections_with(settings: Settings, file: AttachedFile) -> list[str]:
    """The collections, not hidden ones, that have read a file of the same content."""
    return _catalogue(settings).holding(file.sha256)


def forget_chat(settings: Settings, conversation: int) -> None:
    """Delete the files of a chat and their collection."""
    _delete(settings, chat_collection(conversation))
    remove(settings.own.home / "attached" / str(conversation))


def forget_gone(settings: Settings, conversations: Conversations) -> None:
    """Delete the files of chats that exist no more. A deleted chat that can come back keeps its."""
    folder = settings.own.home / "attached"
    kept = list(folder.iterdir()) if folder.is_dir() else []
    for number in [int(path.name) for path in kept if path.name.isdecimal()]:
        try:
            conversations.conversation(number)
        except NotFound:
            forget_chat(settings, number)


def _write(folder: Path, name: str, content: bytes) -> Path:
    path = _free(folder, name, content)
    with writing(path) as part:
        part.write_bytes(content)
    return path


def _free(folder: Path, name: str, content: bytes) -> Path:
    """A path of that name, numbered where a file of other content has it."""
    path = folder / name
    number = 1
    while path.exists() and path.read_bytes() != content:
        number += 1
        path = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
    return path


def _refusal(path: Path) -> tuple[str, str] | None:
    """Problem and fix of what is no file, before anything is read."""
    if path.is_dir():
        return (
            say("{path} is a folder.", path=path),
            say("Attach files, or read it first: workbench rag ingest {path}", path=path),
        )
    if not path.exists():
        return say("{path} does not exist.", path=path), "Check the path."
    if not path.is_file():
        return say("{path} is neither a file nor a folder.", path=path), "Check the path."
    return None


def _noted(question: Message) -> list[dict[str, Any]]:
    noted: list[dict[str, Any]] = question.settings.get("attached", [])
    return noted


def _reads(job: Job | None, path: Path) -> bool:
    """Whether the job is at work on that file."""
    return job is not None and str(path) in job.command and job.state == "running"


def _not_read(path: Path, size: int, job: Job | None) -> AttachedFile:
    """A file that the collection does not know: it is being read, or the job has ended early."""
    if job and _reads(job, path):
        return AttachedFile(path, size, "reading")
    last = job.last() if job else {}
    if last.get("event") == "failed":
        return AttachedFile(path, size, "failed", 0, last["problem"], last["fix"])
    return AttachedFile(path, size, "interrupted", 0, "Reading it was interrupted.", "Try again.")


def _fared(path: Path, size: int, document: Document) -> AttachedFile:
    if document.state == "empty":
        problem, fix = why_empty(path)
        if not size:
            problem = say("The file is empty.")
        return AttachedFile(path, size, "empty", 0, problem, fix)
    return AttachedFile(
        path,
        size,
        document.state,
        document.passages,
        document.problem,
        document.fix,
        document.sha256,
    )


def _digest(paths: Sequence[Path]) -> str:
    """A short hash of the files' names and contents, in whatever order."""
    whole = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        whole.update(path.name.encode() + b"\0")
        whole.update(bytes.fromhex(sha256_of(path)))
    return whole.hexdigest()[:16]


def _embedder(settings: Settings) -> str:
    """That of the chosen collection, so that the passages of both compare."""
    for name in settings.collections:
        row = _catalogue(settings).collection(name)
        if row:
            return str(row["embedder"])
    return settings.embedder


def _documents(settings: Settings, name: str) -> dict[str, Document]:
    """Source -> document of the collection; empty where it does not exist yet."""
    catalogue = _catalogue(place_of(settings, name))
    row = catalogue.collection(name)
    if row is None:
        return {}
    return {one.source: one for one in catalogue.documents(row["id"])}


def _drop_oldest(settings: Settings) -> None:
    catalogue = _catalogue(settings.own)
    rows = [catalogue.collection(name) for name in catalogue.names(hidden=True)]
    mine = [row for row in rows if row and row["name"].startswith(FILES)]
    for row in sorted(mine, key=lambda row: -row["id"])[KEPT:]:
        _delete(settings, row["name"])


def _delete(settings: Settings, name: str) -> None:
    from rag.store import delete_collection  # Chroma: only where there is something to delete

    if exists(settings, name):
        delete_collection(settings, name)


def _catalogue(settings: Settings) -> Catalogue:
    return Catalogue(settings.folder() / "index.db")


def unread(files: Sequence[AttachedFile]) -> list[AttachedFile]:
    """The files that no answer can rest on."""
    return [file for file in files if file.state != "indexed"]


def none_was_read(files: Sequence[AttachedFile]) -> WorkbenchError:
    """The error of an answer whose files all failed: the first one's problem and fix."""
    first = unread(files)[0]
    problem = say("{file} was not read: {problem}", file=first.name, problem=first.problem)
    return WorkbenchError(problem, first.fix)
