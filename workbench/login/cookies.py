"""The Set-Cookie lines of the login."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

from workbench.login.ticket import COOKIE, IDLE, Login, write_ticket
from workbench.settings import Settings


def login_cookie(scope: Any, root: Settings, login: Login) -> bytes:
    """The cookie of a login that goes on or begins."""
    return cookie_line(scope, COOKIE, write_ticket(root, login.person, login.begun), IDLE)


def cookie_line(scope: Any, name: str, value: str, seconds: int) -> bytes:
    """A cookie that no script reads and no foreign page sends; 0 seconds delete it."""
    cookie = SimpleCookie({name: value})
    morsel = cookie[name]
    morsel["path"] = "/"
    morsel["max-age"] = seconds
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    morsel["secure"] = is_https(scope)
    return morsel.OutputString().encode()


def is_https(scope: Any) -> bool:
    """Whether the browser came by https, which a proxy before the app says in a header."""
    forwarded = dict(scope["headers"]).get(b"x-forwarded-proto", b"")
    return scope.get("scheme") in ("https", "wss") or forwarded == b"https"
