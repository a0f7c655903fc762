"""Many chats at once over the HTTP API, beside one chat and beside the bare model server.

    python benchmarks/api_load.py [--users 50] [--seconds 60] [--mode tuned] [--workspace FOLDER]

A model server that costs nothing streams 40 tokens, 20 a second. The same question is asked of
it and of `workbench serve` in front of it, in turn: by one user, then by all of them at once. For
each, the median and the 95th percentile of the time until the first token, in milliseconds, the
answers and the errors, and how much of one processor the server took. The mode `documents` needs a
workspace with a collection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

TOKENS = 40
EVERY = 0.05  # seconds between two tokens
ALONE = 10  # answers of one user
QUESTION = "How many days of annual leave does a person have?"
STARTS_WITHIN = 120  # seconds


def fake_model() -> Any:
    """The model server as an ASGI app."""
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI()

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"data": [{"id": "fake", "max_model_len": 8192}]}

    @app.post("/v1/chat/completions")
    async def complete() -> StreamingResponse:
        return StreamingResponse(_tokens(), media_type="text/event-stream")

    return app


async def _tokens() -> AsyncIterator[str]:
    for number in range(TOKENS):
        await asyncio.sleep(EVERY)
        yield _chunk({"content": f"word{number} "}, None)
    yield _chunk({}, "stop")
    yield "data: [DONE]\n\n"


def _chunk(delta: dict[str, str], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "fake"}
    return f"data: {json.dumps(data | {'choices': [choice]})}\n\n"


@dataclass
class Figures:
    """What the users of one run have seen; times in seconds."""

    first: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def row(self, name: str) -> dict[str, Any]:
        """One line of the result."""
        in_order = sorted(self.first)
        p95 = in_order[int(0.95 * (len(in_order) - 1))] if in_order else float("nan")
        median = statistics.median(in_order) if in_order else float("nan")
        row: dict[str, Any] = {"run": name, "answers": len(in_order), "errors": len(self.errors)}
        row |= {"first_ms_p50": round(median * 1000, 1), "first_ms_p95": round(p95 * 1000, 1)}
        return row | ({"first_error": self.errors[0]} if self.errors else {})


async def ask(client: httpx.AsyncClient, url: str, model: str, figures: Figures) -> None:
    """One answer to its end; a whole one ends with [DONE]."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    begun = time.perf_counter()
    first = 0.0
    try:
        async with client.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
            reply.raise_for_status()
            last = ""
            async for line in reply.aiter_lines():
                if not first and '"content": "w' in line:
                    first = time.perf_counter() - begun
                last = line or last
        if not first or last != "data: [DONE]":
            figures.errors.append(last[:200])
            return
        figures.first.append(first)
    except httpx.HTTPError as error:
        figures.errors.append(repr(error)[:200])


async def one_user(url: str, model: str) -> Figures:
    """A few answers, one after the other; the first one, which warms everything up, is left out."""
    figures = Figures()
    async with httpx.AsyncClient(timeout=120) as client:
        await ask(client, url, model, Figures())
        for _ in range(ALONE):
            await ask(client, url, model, figures)
    return figures


async def many_users(url: str, model: str, users: int, seconds: float) -> Figures:
    """Each user asks again as soon as an answer has ended."""
    figures = Figures()
    end = time.perf_counter() + seconds

    async def user(number: int) -> None:
        async with httpx.AsyncClient(timeout=120) as client:
            await asyncio.sleep(number * TOKENS * EVERY / users)  # people do not ask in step
            while time.perf_counter() < end:
                await ask(client, url, model, figures)

    await asyncio.gather(*(user(number) for number in range(users)))
    return figures


@contextmanager
def running(command: list[str], url: str, environment: dict[str, str]) -> Iterator[psutil.Process]:
    """A server as a program, from its first answer on and while the block runs."""
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        end = time.monotonic() + STARTS_WITHIN
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{command} does not answer at {url}")
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """A port that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measure(workspace: Path, mode: str, users: int, seconds: float) -> None:
    """Print the four runs as JSON lines."""
    ports = free_port(), free_port()
    raw, api = (f"http://127.0.0.1:{port}" for port in ports)
    model = [sys.executable, __file__, "--serve-model", str(ports[0])]
    serve = [sys.executable, "-m", "workbench.cli", "serve", "--port", str(ports[1])]
    settings = {"HOME": str(workspace), "OPENAI_BASE_URL": f"{raw}/v1"}
    settings |= {"MODEL": "openai:fake", "TUNED": "openai:fake"}
    environment = {f"WORKBENCH_{name}": value for name, value in settings.items()}
    with (
        running(model, f"{raw}/v1/models", {}) as below,
        running(serve, f"{api}/healthz", environment) as above,
    ):
        runs = (("raw", raw, "fake", below), ("api", api, f"workbench-{mode}", above))
        for name, url, asked, server in runs:
            alone = asyncio.run(one_user(url, asked))
            print(json.dumps(alone.row(f"{name}, 1 user")), flush=True)
            server.cpu_percent()  # from here on
            together = asyncio.run(many_users(url, asked, users, seconds))
            row = together.row(f"{name}, {users} users") | {"processor": server.cpu_percent()}
            print(json.dumps(row), flush=True)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--mode", default="tuned")
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--serve-model", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_model:
        import uvicorn

        uvicorn.run(fake_model(), port=options.serve_model, log_level="warning")
        return
    with tempfile.TemporaryDirectory() as empty:
        workspace = options.workspace or Path(empty)
        measure(workspace, options.mode, options.users, options.seconds)


if __name__ == "__main__":
    main()
