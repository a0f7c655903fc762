"""`workbench serve` as a program, before a model that never ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import Any

import httpx
from conftest import free_port
from serving import Answering

from workbench.settings import Settings

HTTP = httpx.Client(timeout=60)


class Endless(Answering):
    """A chat model that goes on until nobody listens."""

    def do_GET(self) -> None:
        self.send_whole("application/json", b'{"data": [{"id": "endless"}]}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            while True:
                word = f"tide-{token_hex(4)} "  # a loop of the same words would be ended
                choice = {"index": 0, "delta": {"content": word}}
                chunk = {"id": "1", "model": "endless", "choices": [choice]}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            return


@contextmanager
def running(
    settings: Settings, model: str, *options: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`workbench serve` in a process of its own, or with `--processes` in several."""
    port = free_port()
    command = [sys.executable, "-m", "workbench.cli", "serve", "--port", str(port), *options]
    chosen = {"WORKBENCH_OPENAI_BASE_URL": f"{model}/v1", "WORKBENCH_MODEL": "openai:endless"}
    with (settings.home.parent / "log.txt").open("ab") as log:
        server = subprocess.Popen(command, env=os.environ | chosen, stderr=log)
    try:
        wait_for(lambda: HTTP.get(f"http://127.0.0.1:{port}/readyz").is_success)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.kill()
        server.wait()


def wait_for(come: Callable[[], Any]) -> None:
    """Until that is true; a server that does not answer yet is waited for too."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if come():
                return
        time.sleep(0.05)
    raise TimeoutError
