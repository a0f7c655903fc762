"""A workspace in use -> the files that its backup takes, and why others stay out.

What is made again of the rest stays out: Chroma's index and the lexical one follow `index.db`. That
file has every passage with its vector and is copied as of one moment, so a backup waits for no
ingest, however long it takes. Chroma's files could only be copied while nobody writes, and one of
them is a pickle, which must never come from elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from workbench.accounts.spaces import homes_in, without_space
from workbench.artefacts.run_folder import list_run_folders
from workbench.backup.manifest import is_inside
from workbench.folders import no_file_inside
from workbench.jobs.job import list_jobs
from workbench.messages import Message, say
from workbench.settings import Settings

# made again when it is needed, or of no use before it is whole; "*" stands for one name
MADE_AGAIN = (
    "chroma",
    "collections/*/lexical-*",
    "cookie_secret",  # who has it could sign in as anybody
    "corpora",
    "data/.temporary",
    "data/*/tables.duckdb*",
    "data/*/tables.json",
    "deploy/*/candidate",
    "downloads",
    "fast",
)
HALF = (".*.lock", ".*.part", ".repair-*", ".backup-*")  # names of what is being written
WITHOUT = {  # word of `--without` -> what it leaves out
    "models": ("models", "embedders", "rerankers", "runs/*/model", "runs/*/checkpoints", "*.gguf"),
}
SIDES = ("-wal", "-shm", "-journal")  # files of an SQLite database beside it
SQLITE = b"SQLite format 3\0"
LEFT_BY_CHOICE = say("large weights were left out by choice")
BEING_TRAINED = say("it was being trained")
STILL_RUNNING = say("the job was still running")
NOT_PLAIN = say("other systems cannot have its name")


@dataclass
class Contents:
    """Paths relative to the workspace, in order. `databases` are the SQLite files among them."""

    files: list[str] = field(default_factory=list)
    databases: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    left_out: dict[str, Message] = field(default_factory=dict)
    size: int = 0
    """Bytes, as the files were when they were listed."""


def contents_of(settings: Settings, without: Collection[str] = ()) -> Contents:
    """What a backup of the workspace takes now."""
    home = settings.home
    contents = Contents(left_out=_unfinished(settings))
    unwanted = [pattern for word in without for pattern in WITHOUT[word]]
    inside = home.resolve()
    for path in _walk(home, contents, unwanted):
        name = path.relative_to(home).as_posix()
        if not os.path.lexists(path):  # deleted meanwhile
            continue
        what = _strange(path, inside)
        if what:
            contents.left_out[name] = what
        elif not _is_side(path):
            kind = contents.databases if is_sqlite(path) else contents.files
            kind.append(name)
            contents.size += path.stat().st_size if path.exists() else 0
    return contents


def is_sqlite(path: Path) -> bool:
    """By its first bytes: a person's own database may have any name."""
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def _walk(home: Path, contents: Contents, unwanted: Collection[str]) -> Iterator[Path]:
    """Every entry that is no folder; folders are noted, those that stay out are not entered."""
    for root, folders, names in os.walk(home):
        inner = Path(root).relative_to(home)
        kept: list[str] = []
        for name in sorted([*folders, *names]):
            path = (inner / name).as_posix()
            if not _has_plain_name(path):
                contents.left_out[repr(path)] = NOT_PLAIN
            elif _fits(path, unwanted):
                contents.left_out[path] = LEFT_BY_CHOICE
            elif path not in contents.left_out and not _is_made_again(path, name):
                kept.append(name)
        links = {name for name in folders if Path(root, name).is_symlink()}
        # os.walk descends into what this list still has
        folders[:] = [name for name in kept if name in folders and name not in links]
        contents.folders += [(inner / name).as_posix() for name in folders]
        yield from (Path(root, name) for name in kept if name not in folders)


def _unfinished(settings: Settings) -> dict[str, Message]:
    """Folders that a program is writing to right now."""
    found: dict[Path, Message] = {}
    for home in homes_in(settings.home):
        there = settings.model_copy(update={"home": home})
        jobs = [job.folder for job in list_jobs(there) if job.state == "running"]
        runs = [run.folder for run in list_run_folders(there) if run.being_trained]
        found |= dict.fromkeys(jobs, STILL_RUNNING) | dict.fromkeys(runs, BEING_TRAINED)
    return {path.relative_to(settings.home).as_posix(): why for path, why in found.items()}


def _has_plain_name(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes that are no text
        return False
    return is_inside(path)


def _is_made_again(path: str, name: str) -> bool:
    return _fits(path, MADE_AGAIN) or any(fnmatchcase(name, pattern) for pattern in HALF)


def _fits(path: str, patterns: Collection[str]) -> bool:
    """A pattern without a folder that begins with "*" fits a name anywhere.

    The others fit in the workspace and in each space in it.
    """
    parts = without_space(path).split("/")
    for pattern in patterns:
        wanted = pattern.split("/")
        if pattern.startswith("*."):
            wanted, found = [pattern], parts[-1:]
        else:
            found = parts
        if len(wanted) == len(found) and all(map(fnmatchcase, found, wanted)):
            return True
    return False


def _strange(path: Path, inside: Path) -> Message | None:
    """What the entry is, where it is no file of the workspace itself."""
    what = say("a link") if path.is_symlink() else no_file_inside(path, inside)
    if what is None and _is_secret(path):
        return say("passwords stay on this machine")
    return what


def _is_secret(path: Path) -> bool:
    """The file of passwords, where a person has put it into the workspace."""
    named = os.environ.get("WORKBENCH_SECRETS")
    return bool(named) and path.resolve() == Path(str(named)).expanduser().resolve()


def _is_side(path: Path) -> bool:
    """A log or lock of a database, of which the database's copy has everything."""
    for side in SIDES:
        if path.name.endswith(side) and is_sqlite(path.with_name(path.name.removesuffix(side))):
            return True
    return False
