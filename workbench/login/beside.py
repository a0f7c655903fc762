"""Programs are answered under the app's own address: the HTTP API beside the pages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


class Beside:
    """ASGI middleware: what asks for a path of `other` goes there, with its own door before it.

    A whole first part of a path is the other's, such as /v1, so that an address that it does not
    know is its 404 and never a page of the app.
    """

    def __init__(self, app: Any, other: Any, paths: Collection[str]) -> None:
        self._app = app
        self._other = other
        self._first_parts = {first_part(path) for path in paths}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_others = scope["type"] == "http" and first_part(scope["path"]) in self._first_parts
        await (self._other if is_others else self._app)(scope, receive, send)


def first_part(path: str) -> str:
    """`/v1/models` -> `v1`."""
    return path.split("/")[1] if path.startswith("/") else path
