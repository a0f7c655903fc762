"""Keys of the HTTP API: made once, kept as a hash, for some scopes, until a day.

A key is 32 random bytes, so a plain sha256 keeps it safe: nothing can be guessed or looked up.
Where people sign in, a key belongs to one of them and to one space: it may there what its owner
may, at most. All keys are kept in the root's workspace.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agents.names import checked_name
from workbench.accounts.audit import write_down
from workbench.accounts.database import has_accounts
from workbench.accounts.people import Person, existing
from workbench.accounts.spaces import settings_in
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import read_json, update_json
from workbench.messages import say
from workbench.settings import Settings

SCOPES = {
    "chat": "ask, list models",
    "embeddings": "turn texts into vectors",
    "forecast": "forecast series",
    "documents": "list, read, add and remove documents",
    "chats": "list, read and remove chats",
    "jobs": "list and cancel background jobs",
    "metrics": "read the metrics",
}
FOR_ADMINS = ("metrics",)  # they count what everybody does
FILE = "api_keys.json"
BEGINS = "wb-"
LONGEST_NAME = 40  # characters
DAY = 86_400.0  # seconds
PER_MINUTE = 120  # requests, where nothing else is said


@dataclass(frozen=True)
class Key:
    """What is kept of a key. Times are seconds since 1970; `expires` 0 is never.

    `user` and `space` are empty where nobody signs in; an empty space is the user's own.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...]
    created: float
    expires: float = 0.0
    per_minute: int = PER_MINUTE
    user: str = ""
    space: str = ""

    @property
    def expired(self) -> bool:
        """Whether its day has come."""
        return bool(self.expires) and time.time() >= self.expires

    def belongs_to(self, person: Person | None) -> bool:
        """Whether it is that person's, not a former one's of the same name."""
        return person is not None and self.user == person.name and self.created >= person.created


def create_key(
    root: Settings,
    name: str,
    scopes: Sequence[str],
    days: float = 0.0,
    per_minute: int = PER_MINUTE,
    *,
    user: str = "",
    space: str = "",
    by: str = "",
) -> str:
    """A new key, which is kept nowhere. `by` is who makes it, empty for the command line.

    Raises InvalidInput, NotFound for the user or the space, Conflict where the user has such a key.
    """
    name = checked_name(name, LONGEST_NAME)
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise InvalidInput(
            say("A key cannot have the scopes “{scopes}”.", scopes=", ".join(unknown)),
            say("Choose from: {known}", known=", ".join(SCOPES)),
        )
    user = _checked_owner(root, user, space, scopes)
    text = BEGINS + secrets.token_urlsafe(32)
    now = time.time()
    expires = now + days * DAY if days else 0.0
    wanted = tuple(dict.fromkeys(scopes))
    key = Key(name, _hash(text), wanted, now, expires, per_minute, user, space)

    def add(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if any(_is_named(row, name, user) for row in rows):
            raise Conflict(
                say("There is a key “{name}” already.", name=name),
                say("Choose another name, or run: workbench keys revoke {name}", name=name),
            )
        return [*rows, asdict(key)]

    update_json(root.folder() / FILE, add, [])
    write_down(root, by, "key_created", f"{name} ({', '.join(wanted)}) {user} {space}".rstrip())
    return text


def list_keys(root: Settings, user: str | None = None) -> list[Key]:
    """All keys, or those of a user, the oldest first. Raises Damaged."""
    rows = read_json(root.folder() / FILE, [])
    keys = [Key(**row | {"scopes": tuple(row["scopes"])}) for row in rows]
    return [key for key in keys if user is None or key.user == user]


def revoke_key(root: Settings, name: str, user: str = "", *, by: str = "") -> None:
    """Forget the user's key of that name: nobody gets in with it any more. Raises NotFound."""

    def drop(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [row for row in rows if not _is_named(row, name, user)]
        if len(kept) == len(rows):
            raise NotFound(say("There is no key “{name}”.", name=name), "See: workbench keys list")
        return kept

    update_json(root.folder() / FILE, drop, [])
    write_down(root, by, "key_revoked", f"{name} {user}".rstrip())


def _checked_owner(root: Settings, user: str, space: str, scopes: Sequence[str]) -> str:
    """The user's name as it is kept. Raises InvalidInput, NotFound."""
    if not has_accounts(root):
        if user or space:
            raise InvalidInput(
                "Nobody signs in here yet.", "Add a person first: workbench users add NAME"
            )
        return ""
    if not user:
        raise InvalidInput(
            "A key needs a user, whose rights it has.",
            "Name one: workbench keys create --user NAME",
        )
    person = existing(root, user)
    settings_in(root, person, space)
    too_much = [scope for scope in scopes if scope in FOR_ADMINS]
    if too_much and person.role != "admin":
        raise InvalidInput(
            say("Only an admin's key has the scopes “{scopes}”.", scopes=", ".join(too_much)),
            "Leave them out, or make the user an admin.",
        )
    return person.name


def _is_named(row: dict[str, Any], name: str, user: str) -> bool:
    """A name is a user's own: what other people call their keys shows nowhere."""
    return row["name"] == name and row.get("user", "") == user


def find_key(text: str, keys: Sequence[Key]) -> Key | None:
    """The key of that text, also an expired one. It takes as long for a wrong text."""
    wanted = _hash(text)
    found = None
    for key in keys:
        if hmac.compare_digest(key.sha256, wanted):
            found = key
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
