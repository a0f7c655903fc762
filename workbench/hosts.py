"""Under which names the app may be reached: a request under any other gets 403.

A stranger's page can let its own name point to this machine, and would then read the app as a part
of itself (DNS rebinding). It cannot change what a browser writes into Host and Origin. A number
as an address is no name that could point anywhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import Settings, load_settings

LOOPBACK_NAME = "localhost"
Headers = Sequence[tuple[bytes, bytes]]
REFUSAL = (
    "The app does not answer under this name. Open it under its own address, or name this one in "
    "WORKBENCH_ALLOWED_HOSTS and start it again.\n"
    "应用不接受此主机名的访问。请使用应用自己的地址，"
    "或在 WORKBENCH_ALLOWED_HOSTS 中加入该主机名后重新启动。\n"
)


class AllowedHosts:
    """ASGI middleware around the app: HTTP and WebSocket alike."""

    def __init__(self, app: Any, settings: Settings | None = None) -> None:
        settings = settings or load_settings()
        self._app = app
        self._names = settings.host_names
        self._own = settings.host
        self._any_number = not is_loopback(settings.host)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif self._may(scope["headers"]):
            headers = _as_own_page(scope["headers"])
            await self._app(scope | {"headers": headers}, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: 403
        else:
            await _refuse(send)

    def _may(self, headers: Headers) -> bool:
        return may_enter(headers, self._names, self._own, self._any_number)


def may_enter(
    headers: Headers, names: Collection[str], own: str = "", any_number: bool = False
) -> bool:
    """Whether Host is an address of this app, and Origin, where there is one, a page of it.

    Besides the loopback address and what the app listens on (`own`), `names` are allowed, with
    `any_number` every IP address too. A page of another port is another page, unless it bears one
    of the names: a proxy may have changed Host.
    """
    host = _only(headers, b"host")
    origin = _only(headers, b"origin")
    if host is None or origin is None or not host:
        return False
    name = hostname_of(f"//{host}")
    known = name in {*names, own} or is_loopback(name)
    if not known and not (any_number and _is_number(name)):
        return False
    if not origin:
        return True
    return _place_of(origin) == host.lower() or hostname_of(origin) in names


def check_binding(host: str, insecure: bool, asks_for_login: bool = False) -> None:
    """Raises InvalidInput for an address that others reach, unless people sign in there."""
    if is_loopback(host) or insecure or asks_for_login:
        return
    raise InvalidInput(
        say(
            "{host} is reachable by others, and nobody has to sign in: whoever opens the app "
            "reads and changes everything.",
            host=host,
        ),
        say(
            "Add yourself, and from then on everybody signs in: workbench users add NAME. "
            "Or write it out: workbench run --host {host} --insecure",
            host=host,
        ),
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that name or address."""
    if host == LOOPBACK_NAME:
        return True
    return _is_number(host) and ip_address(host).is_loopback


def hostname_of(address: str) -> str:
    """The name in an address, in small letters; empty where it has none."""
    try:
        return (urlsplit(address).hostname or "").removesuffix(".")
    except ValueError:  # brackets that do not close
        return ""


def url_of(host: str, port: int) -> str:
    """Where a browser of this machine opens an app that listens there."""
    if _is_number(host) and ip_address(host).is_unspecified:
        host = LOOPBACK_NAME
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _only(headers: Headers, name: bytes) -> str | None:
    """The header's text, empty where it is missing; None where it stands there twice."""
    found = [value.decode("latin-1") for key, value in headers if key == name]
    if len(found) > 1:
        return None
    return found[0] if found else ""


def _place_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _as_own_page(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers with an Origin that agrees with Host.

    Streamlit judges Origin once more. Behind a proxy that changes Host it would not know it, and
    ask a server in the internet what this machine's address is.
    """
    host = dict(headers).get(b"host", b"")
    same = b"http://" + host
    return [(name, same if name == b"origin" else value) for name, value in headers]


async def _refuse(send: Any) -> None:
    body = REFUSAL.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
