"""What the app's pages may load: a second wall behind the sanitizer, which the browser keeps."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import MutableMapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
# pictures, sounds and styles of the app itself alone; charts compile their expressions (eval), and
# parts of pages arrive as blobs
POLICY = (
    "default-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' data: blob:",
    "font-src 'self' data:",
    "style-src 'self' 'unsafe-inline'",
    "script-src 'self' 'unsafe-eval' blob: {scripts}",
    "worker-src 'self' blob:",
    "connect-src 'self' ws://{host} wss://{host} data: blob:",
    "frame-src 'self' blob:",
    "frame-ancestors 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
)
HOST = re.compile(rb"[\w.:\[\]-]+")


class ContentPolicy:
    """ASGI middleware that writes the policy over each answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = policy_for(dict(scope["headers"]).get(b"host", b""))

        async def with_policy(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), (b"content-security-policy", policy)]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, with_policy)


def policy_for(host: bytes) -> bytes:
    """The policy of a page that was asked for under that name; sockets go to the same."""
    name = host.decode("ascii") if HOST.fullmatch(host) else "127.0.0.1"
    return "; ".join(POLICY).format(host=name, scripts=" ".join(_scripts())).encode()


@cache
def _scripts() -> list[str]:
    """The scripts within Streamlit's own page, by their digests: no other may stand in a page."""
    spec = find_spec("streamlit")
    page = Path(spec.origin if spec and spec.origin else "").with_name("static") / "index.html"
    found = INLINE_SCRIPT.findall(page.read_bytes())
    digests = [hashlib.sha256(script).digest() for script in found]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
