"""Foreign names and pages are refused by the real app, on HTTP and on its WebSocket."""

from __future__ import annotations

import base64
import runpy
import socket
from urllib.parse import urlsplit

import pytest
from browser import PROXY, ROOT
from click.testing import CliRunner

from workbench.cli import workbench
from workbench.content_policy import ContentPolicy
from workbench.errors import InvalidInput
from workbench.hosts import AllowedHosts, check_binding, may_enter, url_of
from workbench.login.gate import Gate
from workbench.settings import Settings, load_settings

# Host, Origin ("" is none), whether the app answers; PORT is its own
REQUESTS = [
    ("127.0.0.1:PORT", "", True),
    ("127.0.0.1:PORT", "http://127.0.0.1:PORT", True),
    ("localhost:PORT", "http://localhost:PORT", True),
    ("LOCALHOST.:PORT", "", True),
    ("[::1]:PORT", "http://[::1]:PORT", True),
    (PROXY, f"https://{PROXY}", True),
    ("127.0.0.1:PORT", f"https://{PROXY}", True),  # a proxy that changes Host
    ("evil.example:PORT", "http://evil.example:PORT", False),  # DNS rebinding
    ("evil.example", "", False),
    ("127.0.0.1.evil.example:PORT", "", False),
    (f"{PROXY}.evil.example", "", False),
    ("10.0.0.5:PORT", "http://10.0.0.5:PORT", False),
    ("0.0.0.0:PORT", "http://0.0.0.0:PORT", False),
    ("127.0.0.1:PORT", "http://evil.example", False),
    ("127.0.0.1:PORT", "http://127.0.0.1:1", False),  # another page of this machine
    ("127.0.0.1:PORT", "null", False),
    ("127.0.0.1:PORT", "http://[", False),
    ("", "", False),
]


def asked(url: str, host: str, origin: str, path: str, *more: str) -> int:
    """The status that the app answers with."""
    port = urlsplit(url).port
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *more]
    if origin:
        lines.append(f"Origin: {origin}")
    request = "\r\n".join([*lines, "", ""]).replace("PORT", str(port))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(request.encode())
        return int(line.recv(64).split()[1])


@pytest.mark.browser
def test_the_app_answers_to_its_own_names_alone(app: str) -> None:
    key = base64.b64encode(bytes(16)).decode()
    upgrade = ["Upgrade: websocket", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
    for host, origin, allowed in REQUESTS:
        page = asked(app, host, origin, "/")
        assert page == (200 if allowed else 403), (host, origin)
        # "Connection: Upgrade" is one of several
        opened = asked(app, host, origin, "/_stcore/stream", *upgrade, "Connection: Upgrade")
        assert opened == (101 if allowed else 403), (host, origin)
    assert asked(app, "127.0.0.1:PORT", "", "/", "Host: evil.example") in (400, 403)


def test_numbers_are_allowed_only_where_the_app_listens_for_others() -> None:
    headers = [(b"host", b"10.0.0.5:8501"), (b"origin", b"http://10.0.0.5:8501")]
    assert not may_enter(headers, [])
    assert may_enter(headers, [], any_number=True)
    assert not may_enter([(b"host", b"evil.example")], [], any_number=True)
    assert not may_enter([(b"host", b"localhost"), (b"host", b"evil.example")], [])
    assert not may_enter([(b"host", b"0.0.0.0")], [], own="127.0.0.1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "workbench.example.org"])
def test_an_address_that_others_reach_must_be_written_out(host: str, settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="reachable by others") as refused:
        check_binding(host, insecure=False)
    assert f"--host {host} --insecure" in refused.value.fix
    check_binding(host, insecure=True)
    check_binding(host, insecure=False, asks_for_login=True)
    said = CliRunner().invoke(workbench, ["run", "--host", host, "--no-browser"])
    assert said.exit_code == 1 and "--insecure" in said.output


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_the_loopback_address_needs_no_word(host: str) -> None:
    check_binding(host, insecure=False)


def test_an_address_is_shown_as_a_browser_opens_it() -> None:
    assert url_of("127.0.0.1", 8501) == "http://127.0.0.1:8501"
    assert url_of("::1", 8501) == "http://[::1]:8501"
    assert url_of("0.0.0.0", 8501) == "http://localhost:8501"


def test_allowed_names_are_names(settings: Settings) -> None:
    assert load_settings(allowed_hosts="A.example, b.example").host_names == {
        "a.example",
        "b.example",
    }
    for wrong in ("*", "https://a.example", "a.example/x"):
        with pytest.raises(InvalidInput, match="allowed_hosts"):
            load_settings(allowed_hosts=wrong)


def test_the_app_that_streamlit_finds_is_the_guarded_one() -> None:
    app = runpy.run_path(str(ROOT / "app.py"))["app"]
    assert [one.cls for one in app._user_middleware] == [
        AllowedHosts,
        ContentPolicy,
        Gate,
    ]
