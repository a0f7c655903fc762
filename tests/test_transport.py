"""Requests of many threads over connections of their own, against a real server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from workbench.models.connect import _http_options
from workbench.models.transport import Apart


class Counting(ThreadingHTTPServer):
    """Knows how many connections were made to it."""

    daemon_threads = True
    made = 0

    def get_request(self):
        self.made += 1
        return super().get_request()


class Says(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Counting]:
    with Counting(("127.0.0.1", 0), Says) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def client(kept: int = 8) -> httpx.Client:
    transport = Apart(httpx.create_ssl_context(trust_env=False), kept)
    return httpx.Client(trust_env=False, mounts={"all://": transport})


def address(server: Counting) -> str:
    return f"http://127.0.0.1:{server.server_port}/"


def read_at_once(asking: httpx.Client, server: Counting, count: int) -> None:
    with ExitStack() as together:
        replies = [
            together.enter_context(asking.stream("GET", address(server))) for _ in range(count)
        ]
        assert [reply.read() for reply in replies] == [b"hello"] * count


def test_one_question_after_the_other_goes_over_one_connection(server: Counting) -> None:
    with client() as asking:
        for _ in range(5):
            assert asking.get(address(server)).text == "hello"
    assert server.made == 1


def test_questions_at_once_have_a_connection_each_which_stay_for_the_next(server: Counting) -> None:
    with client() as asking:
        for _ in range(2):
            read_at_once(asking, server, 4)
    assert server.made == 4


def test_no_more_connections_stay_open_than_are_kept(server: Counting) -> None:
    with client(kept=1) as asking:
        read_at_once(asking, server, 3)
        assert server.made == 3
        read_at_once(asking, server, 3)
    assert server.made == 5


def test_an_answer_that_is_left_does_not_reach_the_next_question(server: Counting) -> None:
    with client() as asking:
        with asking.stream("GET", address(server)):
            pass
        assert asking.get(address(server)).text == "hello"


def test_a_server_that_is_gone_is_told_and_a_new_one_at_its_place_is_found() -> None:
    with Counting(("127.0.0.1", 0), Says) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        asked = address(running)
        place = running.server_address
        asking = client()
        assert asking.get(asked).text == "hello"
        running.shutdown()
    # the connection that was open may be told of its end, or find nobody
    with pytest.raises(httpx.TransportError):
        for _ in range(3):
            asking.get(asked, headers={"Connection": "close"})
    with Counting(place, Says) as again:
        threading.Thread(target=again.serve_forever, daemon=True).start()
        assert asking.get(asked).text == "hello"
        again.shutdown()
    asking.close()


def test_a_proxy_of_the_environment_comes_first(
    server: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", address(server))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with httpx.Client(**_http_options("http://models.example/v1")) as asking:
        assert asking.get("http://models.example/v1").text == "hello"
    with (
        httpx.Client(**_http_options("http://127.0.0.1:9/v1")) as asking,
        pytest.raises(httpx.TransportError),
    ):
        asking.get("http://127.0.0.1:9/v1")
