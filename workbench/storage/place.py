"""The name of a place for rows: the path of an SQLite file, or a schema of a PostgreSQL server."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
PREFIX = "workbench_"
READABLE = 30  # characters of a space's name in the name of its schema
SPACES = "spaces"  # the folder of a workspace in which people and groups have theirs
MAIN = "main"
ACCOUNTS = "accounts"
CHATS = "workbench.db"
# of the workspace itself, of its people, of the spaces in it, and of theirs
FOLDERS = ("", "people/*/", f"{SPACES}/*/*/", f"{SPACES}/*/*/people/*/")


@dataclass(frozen=True)
class Schema:
    """A schema of a server: the tables of one space, as a file has them on a machine alone.

    `held` says whose they are. It is the same on every machine that works on the workspace,
    wherever the folder lies there.
    """

    url: SecretStr
    held: str

    @property
    def name(self) -> str:
        """As PostgreSQL knows it: what can be read of `held`, and a sum of the whole."""
        if self.held in (MAIN, ACCOUNTS):
            return PREFIX + self.held
        plain = re.sub(r"[^a-z0-9]+", "_", self.held.lower()).strip("_")[:READABLE]
        digest = hashlib.sha256(self.held.encode()).hexdigest()[:12]
        return f"{PREFIX}{plain}_{digest}"

    @property
    def server(self) -> str:
        """The server's address without user and password."""
        parts = urlsplit(self.url.get_secret_value())
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.hostname or 'localhost'}{port}{parts.path}"

    def __str__(self) -> str:
        return f"{self.server} ({self.name})"


Place = Path | Schema
"""Two equal places hold the same rows; each can be a key."""


def held_in(home: Path, person: str = "") -> str:
    """Whose rows these are: of the folder `home`, and of one person where several share it."""
    space = MAIN
    if home.parent.parent.name == SPACES:
        space = f"{home.parent.name}/{home.name}"
    return f"{space}/people/{person}" if person else space


def check_url(url: str) -> None:
    """Raise ValueError for what is no address of a PostgreSQL database; it does not name it."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in SCHEMES and len(parts.path) > 1 and parts.port != 0
    except ValueError:  # a port that is no number
        fits = False
    if not fits:
        raise ValueError("give the address as postgresql://USER:PASSWORD@HOST:PORT/DATABASE")


def file_below(home: Path, held: str) -> str | None:
    """The file that would have these rows, as a path below the folder; None where it lies outside.

    The opposite of `held_in`.
    """
    own = held_in(home)
    if held == ACCOUNTS:
        return None
    if held == own or held.startswith(f"{own}/people/"):
        inner = held.removeprefix(own).strip("/")
    elif own == MAIN:
        inner = f"{SPACES}/{held}"
    else:
        return None
    return f"{inner}/{CHATS}".lstrip("/")


def files_below(home: Path) -> dict[str, Path]:
    """Whose rows -> the file that has them, of all chats in the folder and in spaces below it."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(home.glob(folder + CHATS)):
            inner = path.parent.relative_to(home).parts
            found[_held_at(inner, held_in(home))] = path
    return found


def _held_at(inner: tuple[str, ...], own: str) -> str:
    """Whose rows a folder has that lies at `inner` in the folder of `own`."""
    if inner[:1] == (SPACES,):
        return "/".join(inner[1:])
    return "/".join((own, *inner))
