"""Who may ask what: a key in `Authorization: Bearer`, its scopes, and how often it is used.

Without any key the API is open, which `workbench serve` allows on the loopback address alone. Once
a key exists, every request needs one; after a start with keys the API is never open again.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agents.api.keys import find_key, list_keys
from agents.api.limits import Buckets
from agents.api.problems import Refusal
from workbench.settings import Settings

BEARER = HTTPBearer(auto_error=False, description="A key of `workbench keys create`")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


class Access:
    """The door of one running API."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._buckets = Buckets()
        self._open = not list_keys(settings)

    def enter(self, given: str, scope: str) -> None:
        """Raises Refusal: 401 without a valid key, 403 without the scope, 429 where it waits."""
        keys = list_keys(self._settings)
        if self._open and not keys:
            return
        self._open = False
        key = find_key(given, keys)
        if key is None or key.expired:
            why = "is not valid" if key is None else "has expired"
            said = f"The key {why}." if given else "A key is needed: Authorization: Bearer KEY"
            raise Refusal(401, "invalid_api_key", said)
        wait = self._buckets.take(key.sha256, key.per_minute)
        if wait:
            often = f"This key may ask {key.per_minute} times a minute."
            raise Refusal(429, "rate_limit_exceeded", often, wait)
        if scope and scope not in key.scopes:
            raise Refusal(403, "missing_scope", f"This key lacks the scope “{scope}”.")


class Needs:
    """The dependency of a route on a key with that scope; the empty one is any valid key."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request, given: Given) -> None:
        access: Access = request.app.state.access
        access.enter(given.credentials if given else "", self.scope)


async def _settings_of(request: Request) -> Settings:
    return request.app.state.settings


Workspace = Annotated[Settings, Depends(_settings_of)]
