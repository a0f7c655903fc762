"""Who may ask what: a key in `Authorization: Bearer`, its scopes, and how often it is used.

Without any key the API is open, which `workbench serve` allows on the loopback address alone. Once
a key exists, every request needs one; after a start with keys the API is never open again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agents.api.keys import Key, find_key, list_keys
from agents.api.limits import Buckets
from agents.api.problems import Refusal, refused
from workbench.errors import WorkbenchError
from workbench.settings import Settings

OPEN = ("/healthz", "/readyz", "/docs", "/openapi.json")
"""What anybody may read who reaches the server: nothing of it is a person's."""

KEY = "workbench.key"
SCHEME = "bearer "
BEARER = HTTPBearer(auto_error=False, description="A key of `workbench keys create`")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


class Door:
    """ASGI middleware: nobody gets in without a valid key, before anything else is read of them."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._buckets = Buckets()
        self._open = not list_keys(settings)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        try:
            key = self._find(_given(scope["headers"]))
        except (Refusal, WorkbenchError) as error:
            await refused(error)(scope, receive, send)
            return
        scope[KEY] = key
        await self._app(scope, receive, send)

    def _find(self, given: str) -> Key | None:
        """The key, None where none is needed. Raises Refusal: 401, or 429 where it has to wait."""
        keys: Sequence[Key] = list_keys(self._settings)
        if self._open and not keys:
            return None
        self._open = False
        key = find_key(given, keys)
        if key is None or key.expired:
            why = "has expired" if key else "is not valid"
            said = f"The key {why}." if given else "A key is needed: Authorization: Bearer KEY"
            raise Refusal(401, "invalid_api_key", said)
        wait = self._buckets.take(key.sha256, key.per_minute)
        if wait:
            often = f"This key may ask {key.per_minute} times a minute."
            raise Refusal(429, "rate_limit_exceeded", often, wait)
        return key


class Needs:
    """The dependency of a route on a key with that scope; the empty one is any valid key."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request, shown_in_openapi: Given) -> None:
        key: Key | None = request.scope[KEY]
        if key and self.scope and self.scope not in key.scopes:
            raise Refusal(403, "missing_scope", f"This key lacks the scope “{self.scope}”.")


async def _settings_of(request: Request) -> Settings:
    return request.app.state.settings


Workspace = Annotated[Settings, Depends(_settings_of)]


def _given(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The key that a request carries, empty for none."""
    written = dict(headers).get(b"authorization", b"").decode("latin-1")
    if not written.lower().startswith(SCHEME):
        return ""
    return written[len(SCHEME) :].strip()
