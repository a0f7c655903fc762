"""Around every request: its id, its line in the log, its size, its counts."""

from __future__ import annotations

import json
import logging
import re
import time
from typing import Any
from uuid import uuid4

from agents.api.metrics import Metrics
from agents.api.problems import problem
from workbench.tracing import span

LOG = logging.getLogger("workbench.api")
ID = b"x-request-id"
GIVEN_ID = re.compile(r"[\w.-]{1,64}")
MEGABYTE = 1_000_000
MOST_JSON = 32 * MEGABYTE  # a request that sends no files
FILES = b"multipart/form-data"
METHODS = ("GET", "POST", "DELETE", "HEAD", "OPTIONS")
OTHER = "other"


class Around:
    """ASGI middleware. A request's id is the client's own where it sends a plain one."""

    def __init__(self, app: Any, metrics: Metrics, file_megabytes: float) -> None:
        self._app = app
        self._metrics = metrics
        self._most_files = int(file_megabytes * MEGABYTE)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = _id_of(scope)
        begun = time.monotonic()
        status = 500

        async def send_with_id(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (ID, name.encode())]
            await send(message)

        with span("http request", request=name) as seen, seen.current():
            try:
                await self._whole(scope, receive, send_with_id)
            finally:
                seconds = time.monotonic() - begun
                method, route = _asked(scope)
                seen.set(method=method, route=route, status=status)
                self._metrics.requested(method, route, status, seconds)
                # as it was sent: a decoded path could hold the end of a line
                path = scope["raw_path"].decode("latin-1")
                LOG.info("%s %s %s %d %.3f s", name, method, path, status, seconds)

    async def _whole(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on; one that is too long gets 413, also where it says no length."""
        headers = dict(scope["headers"])
        sends_files = headers.get(b"content-type", b"").startswith(FILES)
        most = self._most_files if sends_files else MOST_JSON
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            await _too_long(send)
            return
        arrived = 0

        async def receive_counted() -> Any:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > most:
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, receive_counted, send)


def _id_of(scope: Any) -> str:
    given = dict(scope["headers"]).get(ID, b"").decode("latin-1")
    return given if GIVEN_ID.fullmatch(given) else uuid4().hex


def _asked(scope: Any) -> tuple[str, str]:
    """Method and route; anybody can make up others: only known ones have their names."""
    method = scope["method"] if scope["method"] in METHODS else OTHER
    return method, getattr(scope.get("route"), "path", OTHER)


async def _too_long(send: Any) -> None:
    body = json.dumps(problem(413, "too_long", "The request is too long.")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
