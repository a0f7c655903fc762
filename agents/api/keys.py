"""Keys of the HTTP API: made once, kept as a hash, for some scopes, until a day.

A key is 32 random bytes, so a plain sha256 keeps it safe: nothing can be guessed or looked up.
Where people sign in, a key belongs to one of them and to one space: it may there what its owner
may, at most. It is a row of the accounts, which several servers can share. Keys of nobody, and
those that older versions made, are in a file of the root's workspace.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agents.names import checked_name
from workbench.accounts.audit import note, write_down
from workbench.accounts.database import changing, has_accounts, reading
from workbench.accounts.people import Person, existing
from workbench.accounts.spaces import settings_in
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import read_json, update_json
from workbench.messages import say
from workbench.settings import Settings
from workbench.storage.connecting import by_name

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
ROWS = """
select name, sha256, scopes, created, expires, per_minute, person as "user", space from api_keys
"""


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
    if any(other.name == name and other.user == user for other in list_keys(root)):
        raise _taken(name)
    if user:
        _add_row(root, key, by)
    else:
        _add_to_file(root, key)
    return text


def list_keys(root: Settings, user: str | None = None) -> list[Key]:
    """All keys, or those of a user, the oldest first. Raises Damaged, Unavailable."""
    keys = [_key(row) for row in read_json(root.folder() / FILE, [])]
    if has_accounts(root):
        with reading(root) as database:
            keys += [_key(row) for row in by_name(database.execute(ROWS))]
    found = [key for key in keys if user is None or key.user == user]
    return sorted(found, key=lambda key: key.created)


def revoke_key(root: Settings, name: str, user: str = "", *, by: str = "") -> None:
    """Forget the user's key of that name: nobody gets in with it any more. Raises NotFound."""
    if not _drop_row(root, name, user, by):
        _drop_from_file(root, name, user, by)


def _key(row: Mapping[str, Any]) -> Key:
    scopes = row["scopes"]
    if isinstance(scopes, str):  # of a table
        scopes = scopes.split()
    return Key(**{**row, "scopes": tuple(scopes)})


def _taken(name: str) -> Conflict:
    return Conflict(
        say("There is a key “{name}” already.", name=name),
        say("Choose another name, or run: workbench keys revoke {name}", name=name),
    )


def _add_row(root: Settings, key: Key, by: str) -> None:
    query = (
        "insert into api_keys "
        "(person, name, sha256, scopes, created, expires, per_minute, space) values "
        "(:user, :name, :sha256, :scopes, :created, :expires, :per_minute, :space) "
        "on conflict do nothing returning name"
    )
    with changing(root) as database:
        if not database.execute(query, asdict(key) | {"scopes": " ".join(key.scopes)}).fetchone():
            raise _taken(key.name)
        about = f"{key.name} ({', '.join(key.scopes)}) {key.user} {key.space}"
        note(database, by, "key_created", about.rstrip())


def _add_to_file(root: Settings, key: Key) -> None:
    def add(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if any(_is_named(row, key.name, key.user) for row in rows):
            raise _taken(key.name)
        return [*rows, asdict(key)]

    update_json(root.folder() / FILE, add, [])


def _drop_row(root: Settings, name: str, user: str, by: str) -> bool:
    """Whether there was one."""
    if not has_accounts(root):
        return False
    query = "delete from api_keys where person = :user and name = :name returning name"
    with changing(root) as database:
        row = database.execute(query, {"user": user, "name": name}).fetchone()
        if row:
            note(database, by, "key_revoked", f"{name} {user}")
    return row is not None


def _drop_from_file(root: Settings, name: str, user: str, by: str) -> None:
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
