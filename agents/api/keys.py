"""Keys of the HTTP API: made once, kept as a hash, for some scopes, until a day.

A key is 32 random bytes, so a plain sha256 keeps it safe: nothing can be guessed or looked up.
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
FILE = "api_keys.json"
BEGINS = "wb-"
LONGEST_NAME = 40  # characters
DAY = 86_400.0  # seconds
PER_MINUTE = 120  # requests, where nothing else is said


@dataclass(frozen=True)
class Key:
    """What is kept of a key. Times are seconds since 1970; `expires` 0 is never."""

    name: str
    sha256: str
    scopes: tuple[str, ...]
    created: float
    expires: float = 0.0
    per_minute: int = PER_MINUTE

    @property
    def expired(self) -> bool:
        """Whether its day has come."""
        return bool(self.expires) and time.time() >= self.expires


def create_key(
    settings: Settings,
    name: str,
    scopes: Sequence[str],
    days: float = 0.0,
    per_minute: int = PER_MINUTE,
) -> str:
    """A new key, which is kept nowhere. Raises InvalidInput, or Conflict for a taken name."""
    name = checked_name(name, LONGEST_NAME)
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise InvalidInput(
            say("A key cannot have the scopes “{scopes}”.", scopes=", ".join(unknown)),
            say("Choose from: {known}", known=", ".join(SCOPES)),
        )
    text = BEGINS + secrets.token_urlsafe(32)
    now = time.time()
    expires = now + days * DAY if days else 0.0
    key = Key(name, _hash(text), tuple(dict.fromkeys(scopes)), now, expires, per_minute)

    def add(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if any(row["name"] == name for row in rows):
            raise Conflict(
                say("There is a key “{name}” already.", name=name),
                say("Choose another name, or run: workbench keys revoke {name}", name=name),
            )
        return [*rows, asdict(key)]

    update_json(settings.folder() / FILE, add, [])
    return text


def list_keys(settings: Settings) -> list[Key]:
    """All keys, the oldest first. Raises Damaged."""
    rows = read_json(settings.folder() / FILE, [])
    return [Key(**row | {"scopes": tuple(row["scopes"])}) for row in rows]


def revoke_key(settings: Settings, name: str) -> None:
    """Forget the key of that name: from now on nobody gets in with it. Raises NotFound."""

    def drop(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [row for row in rows if row["name"] != name]
        if len(kept) == len(rows):
            raise NotFound(say("There is no key “{name}”.", name=name), "See: workbench keys list")
        return kept

    update_json(settings.folder() / FILE, drop, [])


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
