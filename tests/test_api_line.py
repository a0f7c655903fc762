"""The line over HTTP: the place is told, too much is refused at once, who leaves is forgotten."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from apart import apart
from served_api import TOY, served
from starlette.requests import ClientDisconnect

from agents.api.app import make_app
from agents.api.threads import Threads
from agents.question import Question
from agents.registry import registered
from workbench.chat.events import Beat, Done, Event, Token
from workbench.chat.line import LINE
from workbench.settings import load_settings

GOES_ON = threading.Event()
SLOW = replace(TOY, run="test_api_line:answer_slowly")
LEAVING = 200  # clients
WITHIN = 10  # seconds


def answer_slowly(question: Question) -> Iterator[Event]:
    """A word at once, the end when the test wants it."""
    yield Token("word")
    while not GOES_ON.wait(0.02):
        yield Beat()
    yield Done("toy", 0.1)


@pytest.fixture(scope="module")
def address(
    new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The API of a workspace where one answer grows at a time, and one question may wait."""
    home = new_workspace(tmp_path_factory.mktemp("line"))
    settings = load_settings(home=home, concurrent_answers=1, waiting_answers=1)
    with registered(SLOW), served(settings) as url:
        yield url


@pytest.fixture(autouse=True)
def _idle() -> Iterator[None]:
    GOES_ON.clear()
    yield
    GOES_ON.set()
    wait_until(lambda: (LINE.growing(), LINE.waiting()) == (0, 0))


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def body(stream: bool = True) -> dict[str, Any]:
    asked = [{"role": "user", "content": "When?"}]
    return {"model": "workbench-toy", "stream": stream, "messages": asked}


def chunks(reply: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in reply.iter_lines():
        data = line.removeprefix("data: ")
        if data.startswith("{"):
            yield json.loads(data)


def word_of(chunk: dict[str, Any]) -> str:
    return chunk["choices"][0]["delta"].get("content") or ""


def test_a_stream_says_its_place_and_a_full_line_refuses(address: str) -> None:
    with httpx.Client(base_url=address, timeout=WITHIN) as client, ExitStack() as stack:

        def ask() -> httpx.Response:
            request = client.stream("POST", "/v1/chat/completions", json=body())
            return stack.enter_context(request)

        first = chunks(ask())
        assert any(word_of(chunk) for chunk in first)
        second = chunks(ask())
        places = (chunk["workbench"]["place"] for chunk in second if "workbench" in chunk)
        assert next(places) == 1
        refused = client.post("/v1/chat/completions", json=body())
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 61
        assert refused.json()["error"]["code"] == "busy"
        assert "wait for an answer already: 1" in refused.json()["error"]["message"]
        GOES_ON.set()
        assert next(places) == 0
        assert any(word_of(chunk) for chunk in second)


def test_whole_answers_wait_too(address: str) -> None:
    replies: list[httpx.Response] = []

    def ask() -> None:
        url = f"{address}/v1/chat/completions"
        replies.append(httpx.post(url, json=body(stream=False), timeout=WITHIN))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: (LINE.growing(), LINE.waiting()) == (1, 1))
    GOES_ON.set()
    for thread in threads:
        thread.join(WITHIN)
    said = [reply.json()["choices"][0]["message"]["content"] for reply in replies]
    assert said == ["word", "word"]


def test_clients_that_leave_free_their_places(address: str) -> None:
    """Before the first byte, in the line and in the answer, of streams and of whole answers."""
    with httpx.Client(base_url=address, timeout=WITHIN) as client:
        for number in range(LEAVING):
            leave(address, stream=number % 3 != 0, hears=number % 2 == 0)
        wait_until(lambda: (LINE.growing(), LINE.waiting()) == (0, 0))
        GOES_ON.set()
        reply = client.post("/v1/chat/completions", json=body(stream=False))
    assert reply.status_code == 200


def test_a_client_that_is_gone_when_its_answer_begins_is_forgotten(
    address: str, tmp_path: Path
) -> None:
    app = make_app(load_settings(home=tmp_path))
    entered: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body()).encode()}

    async def send(message: Any) -> None:
        entered.append(LINE.growing())
        raise OSError("gone")

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "raw_path": b"/v1/chat/completions",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
    }
    with suppress(OSError, ClientDisconnect):
        apart(app(scope, receive, send))
    assert entered == [1]
    assert LINE.growing() == 0


def test_threads_are_kept_and_never_more_than_work_at_once() -> None:
    threads = Threads("kept")
    both = threading.Barrier(2)
    used: set[int] = set()
    done: list[int] = []

    def work() -> None:
        both.wait(WITHIN)
        used.add(threading.get_ident())
        done.append(1)

    for turn in range(1, 4):
        threads.run(work)
        threads.run(work)
        wait_until(lambda turn=turn: len(done) == 2 * turn and threads.idle() == 2)
    assert len(used) == 2


def leave(address: str, stream: bool, hears: bool) -> None:
    """Ask, hear the beginning of the reply or nothing at all, and hang up."""
    place = urlsplit(address)
    data = json.dumps(body(stream)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {place.netloc}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    with socket.create_connection((place.hostname, place.port), WITHIN) as connection:
        connection.sendall(head.encode() + data)
        if hears and stream:
            assert connection.recv(1)
