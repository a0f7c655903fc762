"""Several processes of one server: one line, one count of each key, one of them may die."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from apart import apart
from api_process import HTTP, Endless, running, wait_for
from serving import serving

from agents.api.keys import create_key, revoke_key
from agents.api.shared import SharedAdmission, keeping
from workbench.chat.line import Limits
from workbench.errors import Busy, Unavailable
from workbench.settings import Settings

ONE = Limits(at_once=1, of_one=0, waiting=1)
ASK = {
    "model": "workbench-none",
    "stream": True,
    "messages": [{"role": "user", "content": "When is high tide?"}],
}
STREAMS = 40  # enough for both processes to have some
WITHIN = 30  # seconds


class Streams:
    """Answers without end, each over a connection of its own; `alive` counts those that grow."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/v1/chat/completions"
        self._clients: list[httpx.Client] = []
        self._heard: list[float] = []  # time.monotonic() of the last word of each

    def more(self) -> None:
        """One more; returns once it grows."""
        client = httpx.Client(timeout=WITHIN)
        number = len(self._clients)
        self._clients.append(client)
        self._heard.append(0.0)
        begun = threading.Event()
        threading.Thread(target=self._read, args=(client, number, begun), daemon=True).start()
        assert begun.wait(WITHIN)

    def alive(self) -> int:
        """How many have said something within two seconds."""
        return sum(time.monotonic() - heard < 2 for heard in self._heard)

    def close(self) -> None:
        """Their readers leave."""
        for client in self._clients:
            client.close()

    def _read(self, client: httpx.Client, number: int, begun: threading.Event) -> None:
        with suppress(Exception), client.stream("POST", self._url, json=ASK) as reply:
            for line in reply.iter_lines():
                if "tide-" in line:
                    self._heard[number] = time.monotonic()
                    begun.set()


def answering(server: int, port: int) -> dict[int, int]:
    """The processes below that one which listen at the port, and how many are connected to each."""
    found: dict[int, int] = {}
    for process in psutil.Process(server).children():
        with suppress(psutil.Error):
            here = [one for one in process.net_connections("tcp") if one.laddr.port == port]
            if any(one.status == psutil.CONN_LISTEN for one in here):
                found[process.pid] = sum(one.status == psutil.CONN_ESTABLISHED for one in here)
    return found


def growing(url: str) -> int:
    """The answers that grow now, by the metrics of whichever process tells them."""
    for line in HTTP.get(f"{url}/metrics").text.splitlines():
        name, _, value = line.partition(" ")
        if name == "workbench_answers":
            return int(float(value))
    raise AssertionError("no workbench_answers in the metrics")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Path]:
    """The socket of a line that is kept."""
    path = tmp_path / "line"
    with keeping(path):
        yield path


def test_where_no_socket_can_be_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot meet at"), keeping(tmp_path / ("long" * 30)):
        pass


def test_the_line_is_one_for_all_processes(line: Path) -> None:
    async def stand_in_it() -> None:
        async with AsyncExitStack() as stack:
            left, right = (SharedAdmission(line) for _ in range(2))
            await stack.enter_async_context(left.running())
            await stack.enter_async_context(right.running())
            first = await left.enter("ann", ONE, lambda: None)
            moved = asyncio.Event()
            second = await right.enter("ann", ONE, moved.set)
            assert (first.place, second.place) == (0, 1)
            with pytest.raises(Busy) as busy:
                await left.enter("ann", ONE, lambda: None)
            assert "wait for an answer already: 1" in busy.value.problem and busy.value.wait > 0
            assert await left.counts() == await right.counts() == (1, 1)
            moved.clear()
            first.close()
            first.close()
            await asyncio.wait_for(moved.wait(), WITHIN)
            assert second.place == 0
            assert await left.counts() == (1, 0)

    apart(stand_in_it())


def test_who_leaves_before_the_reply_has_no_place(line: Path) -> None:
    async def leave() -> None:
        admission = SharedAdmission(line)
        async with admission.running():
            waiting = asyncio.create_task(admission.enter("ann", ONE, lambda: None))
            await asyncio.sleep(0)  # it has asked, and no reply was read
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            assert await admission.counts() == (0, 0)

    apart(leave())


def test_the_places_of_a_process_that_has_gone_are_free(line: Path) -> None:
    async def go() -> None:
        left, right = (SharedAdmission(line) for _ in range(2))
        async with right.running():
            async with left.running():
                await left.enter("ann", ONE, lambda: None)
                moved = asyncio.Event()
                waits = await right.enter("ann", ONE, moved.set)
                assert waits.place == 1
                moved.clear()
            await asyncio.wait_for(moved.wait(), WITHIN)
            assert waits.place == 0

    apart(go())


def test_a_key_asks_as_often_whichever_process_it_meets(line: Path) -> None:
    async def ask() -> list[float]:
        left, right = (SharedAdmission(line) for _ in range(2))
        async with left.running(), right.running():
            return [await one.take("key", 4) for one in (left, right) * 3]

    waits = apart(ask())
    assert waits[:4] == [0, 0, 0, 0]
    assert all(0 < wait <= 15 for wait in waits[4:])


def test_one_process_dies_and_the_others_go_on(settings: Settings) -> None:
    with (
        serving(Endless) as model,
        running(settings, model, "--processes", "2") as (url, server),
    ):
        port = urlsplit(url).port or 0
        wait_for(lambda: len(answering(server.pid, port)) == 2)
        streams = Streams(url)
        for _ in range(STREAMS):
            streams.more()
            streams_of = answering(server.pid, port)
            if min(streams_of.values()) > 1:
                break
        total = streams.alive()
        assert growing(url) == total
        assert HTTP.get(f"{url}/healthz").headers["connection"] == "close", "for the idle one"
        killed = min(streams_of, key=lambda process: streams_of[process])
        psutil.Process(killed).kill()
        wait_for(lambda: growing(url) == streams.alive() < total)
        assert streams.alive() >= 1
        wait_for(lambda: len(answering(server.pid, port)) == 2)
        assert killed not in answering(server.pid, port)
        before = streams.alive()
        streams.more()
        assert growing(url) == before + 1
        streams.close()
        wait_for(lambda: growing(url) == 0)
        told = [HTTP.get(f"{url}/metrics").text for _ in range(6)]
        assert len({asked_in_all(text) for text in told}) == 1, "every process counts for all"
        below = list(answering(server.pid, port))
        server.kill()
        psutil.wait_procs([psutil.Process(one) for one in below if psutil.pid_exists(one)], WITHIN)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))


def asked_in_all(metrics: str) -> float:
    """How many questions have ended."""
    lines = [line for line in metrics.splitlines() if line.startswith("workbench_requests_total")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if "/v1/chat" in line)


def test_a_process_that_starts_after_the_last_key_was_revoked_is_not_open(
    settings: Settings,
) -> None:
    key = create_key(settings, "team", ["chat"])
    with (
        serving(Endless) as model,
        running(settings, model, "--processes", "2") as (url, server),
    ):
        port = urlsplit(url).port or 0
        models = f"{url}/v1/models"
        wait_for(lambda: len(answering(server.pid, port)) == 2)
        assert HTTP.get(models, headers={"authorization": f"Bearer {key}"}).status_code == 200
        revoke_key(settings, "team")
        first = list(answering(server.pid, port))
        for process in first:
            psutil.Process(process).kill()
        wait_for(lambda: len(set(answering(server.pid, port)) - set(first)) == 2)
        assert {HTTP.get(models).status_code for _ in range(8)} == {401}


def test_it_ends_with_its_processes_and_leaves_nothing(settings: Settings) -> None:
    with (
        serving(Endless) as model,
        running(settings, model, "--processes", "2") as (url, server),
    ):
        port = urlsplit(url).port or 0
        wait_for(lambda: len(answering(server.pid, port)) == 2)
        streams = Streams(url)
        streams.more()
        below = [psutil.Process(one) for one in answering(server.pid, port)]
        server.terminate()
        server.wait(WITHIN)
        assert not any(process.is_running() for process in below)
        streams.close()
