"""A login as a signed cookie: written when a person signs in, read with every request.

The cookie proves nothing by itself: the person is looked up each time. It ends with the person's
sessions (another password, "sign out"), when the person is disabled, and by its age.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from workbench.accounts import Person, find_person
from workbench.files import locked, write_text
from workbench.settings import Settings

COOKIE = "workbench_login"
SECRET_FILE = "cookie_secret"  # noqa: S105 – its name
IDLE = 12 * 3600  # seconds without a request of a page, after which a login ends
LONGEST = 30 * 86_400  # seconds after which it ends in any case


@dataclass(frozen=True)
class Login:
    """A person who is signed in. Times are seconds since 1970."""

    person: Person
    begun: float
    """When the person signed in."""

    seen: float
    """When the cookie was written last."""


def write_ticket(root: Settings, person: Person, begun: float = 0.0) -> str:
    """The cookie's text; `begun` is that of the login that goes on, 0 for a new one."""
    facts = [person.name, person.session_epoch, begun or time.time()]
    return _signer(root).dumps(facts)


def read_ticket(root: Settings, text: str, idle: int = IDLE) -> Login | None:
    """Whose login that is; None where it is forged, too old, ended, or the person may not enter."""
    if not text:
        return None
    try:
        facts, written = _signer(root).loads(text, max_age=idle, return_timestamp=True)
        name, epoch, begun = facts
    except (BadSignature, ValueError):
        return None
    if time.time() - begun > LONGEST:
        return None
    person = find_person(root, name)
    if person is None or person.disabled or person.session_epoch != epoch:
        return None
    return Login(person, begun, written.timestamp())


def seal(root: Settings, purpose: str, data: Any) -> str:
    """The data with a signature that is good for that purpose alone."""
    return _signer(root, purpose).dumps(data)


def unseal(root: Settings, purpose: str, text: str, max_age: int) -> Any:
    """The inverse of `seal`; None for anything else, or after `max_age` seconds."""
    try:
        return _signer(root, purpose).loads(text, max_age=max_age)
    except BadSignature:
        return None


def _signer(root: Settings, purpose: str = "login") -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_secret(root), salt=f"workbench {purpose}")


def _secret(root: Settings) -> str:
    """What cookies are signed with: of the environment, else made once in the workspace."""
    given = root.cookie_secret.get_secret_value()
    if given:
        return given
    path = root.folder() / SECRET_FILE
    return _read(path) or _made(path)


def _made(path: Path) -> str:
    with locked(path):
        if not path.is_file():  # else another process was first
            write_text(path, secrets.token_urlsafe(32) + "\n")
            path.chmod(0o600)
    return _read(path)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
