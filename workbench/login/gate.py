"""Before the app: once accounts exist, nothing of it is served without a valid login.

Whoever asks for a page is sent to the login; anything else gets 403: sockets, uploads, pictures.
An open socket is looked at with each message of the browser, so that a person who is disabled, or
has another password, role or group, is out at once, whatever part of the page is pressed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool

from workbench.accounts import has_accounts
from workbench.errors import WorkbenchError
from workbench.login.cookies import login_cookie
from workbench.login.paths import BACK, LOGIN, OPEN
from workbench.login.ticket import COOKIE, IDLE, Login, read_ticket
from workbench.settings import Settings, load_settings

OIDC_COOKIE = "_streamlit_user"
PARTS = ("/_stcore/", "/media/", "/static/", "/component/")  # of pages
UPLOADS, MEDIA = "/_stcore/upload_file/", "/media/"
PROTOCOLS = b"sec-websocket-protocol"
RENEWED_AFTER = 600  # seconds, so that a page of today does not end the login of today
Packet = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Packet]]
Send = Callable[[Packet], Awaitable[None]]


class Sessions(Protocol):
    """What the gate has to know of the pages that are open."""

    def owner_of(self, session: str) -> str:
        """The person whose session that is; empty for an unknown one."""

    def shows_file(self, file: str, name: str) -> bool:
        """Whether a page that this person has open shows that file."""

    def going_to(self, path: str) -> bytes:
        """What a socket sends so that the browser opens another address."""


class SignedOut(Exception):
    """Accounts exist, and the request has no valid login."""


class Gate:
    """ASGI middleware around the app: HTTP and WebSocket alike."""

    def __init__(self, app: Any, sessions: Sessions, settings: Settings | None = None) -> None:
        self._app = app
        self._root = settings or load_settings()
        self.sessions = sessions

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        try:
            login = await run_in_threadpool(self.enter, scope)
        except SignedOut:
            await _turn_away(scope, send)
        except WorkbenchError as error:  # nobody gets in by a damaged file
            await _answer(send, 503, error.problem)
        else:
            serve = self._serve_socket if scope["type"] == "websocket" else self._serve_page
            await serve(scope, receive, send, login)

    def enter(self, scope: Any) -> Login | None:
        """Who asks, None where there are no accounts. Raises SignedOut."""
        if not has_accounts(self._root):
            return None
        login = read_ticket(self._root, cookie_of(scope, COOKIE))
        if login is None:
            raise SignedOut
        return login

    async def _serve_page(
        self, scope: Any, receive: Receive, send: Send, login: Login | None
    ) -> None:
        if login is None:
            await self._app(scope, receive, send)
        elif not self._is_own(scope["path"], login.person.name):
            await _answer(send, 403, "This belongs to another session.")
        else:
            await self._app(scope, receive, _kept_by_nobody(scope, send, login, self._root))

    async def _serve_socket(
        self, scope: Any, receive: Receive, send: Send, login: Login | None
    ) -> None:
        socket = _Socket(self, scope, receive, send, login)
        if login is not None:
            scope = scope | {"headers": self._own_session(scope["headers"], login.person.name)}
        await self._app(scope, socket.receive, socket.send)

    def _is_own(self, path: str, name: str) -> bool:
        """Whether what lies there is of that person's own sessions."""
        if path.startswith(UPLOADS):
            session = path.removeprefix(UPLOADS).partition("/")[0]
            return self.sessions.owner_of(session) == name
        if path.startswith(MEDIA):
            return self.sessions.shows_file(path.removeprefix(MEDIA), name)
        return True

    def _own_session(self, headers: Any, name: str) -> list[tuple[bytes, bytes]]:
        """The headers without a wish to go on with a session that is not this person's.

        A browser that was cut off names its session third, and would get all that lies in it.
        """
        kept = []
        for key, value in headers:
            parts = value.split(b",")
            if key == PROTOCOLS and len(parts) > 2:
                session = parts[2].strip().decode("latin-1")
                own = self.sessions.owner_of(session) == name
                value = value if own else b",".join(parts[:2])
            kept.append((key, value))
        return kept


class _Socket:
    """A socket of the app that ends once its login does."""

    def __init__(
        self, gate: Gate, scope: Any, receive: Receive, send: Send, login: Login | None
    ) -> None:
        self._gate = gate
        self._scope = scope
        self._receive = receive
        self._send = send
        self._standing = standing_of(login)
        self._last = time.monotonic()
        self._ended = False

    async def receive(self) -> Packet:
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message
        way_out = await run_in_threadpool(self._way_out)
        if not way_out:
            return message
        self._ended = True
        await self._send({"type": "websocket.send", "bytes": self._gate.sessions.going_to(way_out)})
        await self._send({"type": "websocket.close", "code": 1008})
        return {"type": "websocket.disconnect", "code": 1008}

    async def send(self, message: Packet) -> None:
        if not self._ended:
            await self._send(message)

    def _way_out(self) -> str:
        """Where the browser has to go; empty as long as it may stay."""
        now = time.monotonic()
        idle, self._last = now - self._last, now
        try:
            login = self._gate.enter(self._scope)
        except (SignedOut, WorkbenchError):
            return LOGIN
        if idle > IDLE:
            return LOGIN
        return "" if standing_of(login) == self._standing else "/"


def standing_of(login: Login | None) -> tuple[Any, ...]:
    """What must stay as it was while a page is open."""
    if login is None:
        return ()
    person = login.person
    return person.name, person.role, person.groups


def cookie_of(scope: Any, name: str) -> str:
    """The cookie's text; empty where the request has none."""
    for key, value in scope["headers"]:
        if key != b"cookie":
            continue
        try:
            found = SimpleCookie(value.decode("latin-1")).get(name)
        except CookieError:
            return ""
        return found.value if found else ""
    return ""


def _kept_by_nobody(scope: Any, send: Send, login: Login, root: Settings) -> Send:
    """`send` for a page: no cache keeps it for who comes after, and the login is renewed."""
    if not _is_page(scope):
        return send

    async def with_headers(message: Packet) -> None:
        if message["type"] == "http.response.start":
            headers = [one for one in message.get("headers", []) if one[0] != b"cache-control"]
            headers.append((b"cache-control", b"no-store"))
            if time.time() - login.seen > RENEWED_AFTER:
                headers.append((b"set-cookie", login_cookie(scope, root, login)))
            message = {**message, "headers": headers}
        await send(message)

    return with_headers


def _is_page(scope: Any) -> bool:
    """Whether a person opens that, and no part of a page asks for it."""
    return scope["method"] == "GET" and not scope["path"].startswith(PARTS)


async def _turn_away(scope: Any, send: Send) -> None:
    """To the login, where a person opens a page; 403 for all else."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: 403
    elif _is_page(scope):
        oidc = bool(cookie_of(scope, OIDC_COOKIE))
        place = BACK if oidc else f"{LOGIN}?next={quote(scope['path'])}"
        await _answer(send, 303, "", [(b"location", place.encode())])
    else:
        await _answer(send, 403, "Sign in first.")


async def _answer(
    send: Send, status: int, text: str, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers + (more or [])})
    await send({"type": "http.response.body", "body": text.encode()})
