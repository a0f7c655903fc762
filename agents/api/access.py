"""Who may ask what: a key in `Authorization: Bearer`, its owner and space, its scopes, how often.

Without any key the API is open, which `workbench serve` allows on the loopback address alone. Once
a key exists, or people sign in, every request needs one; after a start with keys the API is never
open again. Every answer takes its settings from here: where people sign in they are those of the
key's owner in the key's space, so that nothing of another space can be named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agents.api.admission import Admission
from agents.api.keys import Key, find_key, list_keys
from agents.api.problems import Refusal, refused
from workbench.accounts.database import has_accounts
from workbench.accounts.people import ROLES, Person, Role, find_person
from workbench.accounts.quotas import UsedUp, take_answer
from workbench.accounts.spaces import settings_in
from workbench.errors import NotFound, WorkbenchError
from workbench.settings import Settings

OPEN = ("/healthz", "/readyz", "/docs", "/openapi.json")
"""What anybody may read who reaches the server: nothing of it is a person's."""

ASKER = "workbench.asker"
SCHEME = "bearer "
NEEDED = "A key is needed: Authorization: Bearer KEY"
BEARER = HTTPBearer(auto_error=False, description="A key of `workbench keys create`")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


@dataclass(frozen=True)
class Asker:
    """Who asks. `root` is the server's workspace, `settings` those of every answer to them."""

    root: Settings
    settings: Settings
    key: Key | None = None
    person: Person | None = None
    """None where nobody signs in."""


class Door:
    """ASGI middleware: nobody gets in without a valid key, before anything else is read of them."""

    def __init__(self, app: Any, settings: Settings, admission: Admission, guarded: bool) -> None:
        self._app = app
        self._root = settings
        self._admission = admission
        self._open = not guarded and not list_keys(settings)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            scope[ASKER] = Asker(self._root, self._root)
            await self._app(scope, receive, send)
            return
        try:
            scope[ASKER] = await self._find(_given(scope["headers"]))
        except (Refusal, WorkbenchError) as error:
            await refused(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _find(self, given: str) -> Asker:
        """Who has the key. Raises Refusal: 401, 403, or 429 where it has to wait."""
        signing_in = has_accounts(self._root)
        if signing_in:  # a database, which others may hold
            keys = await run_in_threadpool(list_keys, self._root)
        else:
            keys = list_keys(self._root)
        if self._open and not keys and not signing_in:
            return Asker(self._root, self._root)
        self._open = False
        key = find_key(given, keys)
        if key is None or key.expired:
            why = "has expired" if key else "is not valid"
            raise _not_let_in(f"The key {why}." if given else NEEDED)
        wait = await self._admission.take(key.sha256, key.per_minute)
        if wait:
            often = f"This key may ask {key.per_minute} times a minute."
            raise Refusal(429, "rate_limit_exceeded", often, wait)
        if not signing_in:
            return Asker(self._root, self._root, key)
        return await run_in_threadpool(_owner_of, self._root, key)


def _owner_of(root: Settings, key: Key) -> Asker:
    """The key's owner in its space. Raises Refusal where the one or the other is gone."""
    person = find_person(root, key.user)
    if person is None or not key.belongs_to(person):
        raise _not_let_in("The key belongs to nobody.")
    if person.disabled:
        raise _not_let_in("The account of the key's owner is disabled.")
    try:
        settings = settings_in(root, person, key.space)
    except NotFound as error:
        raise Refusal(403, "missing_space", "The key's space is not its owner's.") from error
    return Asker(root, settings, key, person)


def _not_let_in(why: str) -> Refusal:
    return Refusal(401, "invalid_api_key", why)


class Needs:
    """The dependency of a route on a key with that scope; the empty one is any valid key."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request, shown_in_openapi: Given) -> None:
        key = asker_of(request).key
        if key and self.scope and self.scope not in key.scopes:
            raise Refusal(403, "missing_scope", f"This key lacks the scope “{self.scope}”.")


class NeedsRole:
    """The dependency of a route on what the asker may do in the space."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request) -> None:
        if ROLES.index(asker_of(request).settings.role) < ROLES.index(self.role):
            raise Refusal(403, "missing_role", f"This needs the role “{self.role}”.")


def asker_of(request: Request) -> Asker:
    """Who asks, as the door has found."""
    return request.scope[ASKER]


def count_answer(request: Request) -> None:
    """Count one of the asker's answers of the day. Raises Refusal where they are used up."""
    asker = asker_of(request)
    if asker.person is None:
        return
    try:
        take_answer(asker.root, asker.person)
    except UsedUp as error:
        said = f"{error.problem} {error.fix}"
        raise Refusal(429, "quota_exceeded", said, error.seconds) from error


async def _settings_of(request: Request) -> Settings:
    return asker_of(request).settings


Workspace = Annotated[Settings, Depends(_settings_of)]


def _given(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The key that a request carries, empty for none."""
    written = dict(headers).get(b"authorization", b"").decode("latin-1")
    if not written.lower().startswith(SCHEME):
        return ""
    return written[len(SCHEME) :].strip()
