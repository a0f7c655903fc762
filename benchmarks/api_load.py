"""Many chats at once over the HTTP API, beside one chat and beside the bare model server.

    python benchmarks/api_load.py [--users 50] [--seconds 60] [--app 20] [--processes 1]
                                  [--modes tuned documents]

A model server that costs little streams 40 tokens, 20 a second. The same questions are asked of it
and of `workbench serve` in front of it, in turn: by one user, then by all of them at once. The mode
`documents` reads a collection of 10,000 passages, made once in the folder `--workspace`. Each line
has the median and the 95th percentile of the time until the first token, in milliseconds, the
answers and the errors, how much of one processor each program took, and what one answer cost the
API of it; lines that begin with `ratio` compare. With `--app`, so many sessions of the app click
through its pages meanwhile.

On two processors the users and the model server take a part of what the API could have.
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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parent))

from fake_model import EVERY, FIRST, NAME, TOKENS
from many_passages import NAME as COLLECTION
from many_passages import make_workspace

from workbench.settings import load_settings

ALONE = 10  # answers of one user
QUESTION = "How many days of annual leave does person {number} have?"
STARTS_WITHIN = 240  # seconds
PASSAGES = 10_000
HERE = Path(__file__).parent


@dataclass
class Figures:
    """What the users of one run have seen; times in seconds."""

    first: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def p50(self) -> float:
        """Milliseconds until the first token."""
        return statistics.median(self.first) * 1000 if self.first else float("nan")

    def p95(self) -> float:
        """The same for the slow ones."""
        in_order = sorted(self.first)
        return in_order[int(0.95 * (len(in_order) - 1))] * 1000 if in_order else float("nan")

    def row(self, name: str) -> dict[str, Any]:
        """One line of the result."""
        row: dict[str, Any] = {"run": name, "answers": len(self.first), "errors": len(self.errors)}
        row |= {"first_ms_p50": round(self.p50(), 1), "first_ms_p95": round(self.p95(), 1)}
        return row | ({"first_error": self.errors[0]} if self.errors else {})


class Asking:
    """Users of one address. No two questions are the same, so that nothing is kept from before."""

    def __init__(self, url: str, model: str) -> None:
        self._url = f"{url}/v1/chat/completions"
        self._model = model
        self._asked = 0

    async def ask(self, client: httpx.AsyncClient, figures: Figures) -> None:
        """One answer to its end; a whole one ends with [DONE]."""
        self._asked += 1
        said = [{"role": "user", "content": QUESTION.format(number=self._asked)}]
        body = {"model": self._model, "stream": True, "messages": said}
        begun = time.perf_counter()
        first = 0.0
        last = ""
        try:
            async with client.stream("POST", self._url, json=body) as reply:
                reply.raise_for_status()
                async for line in reply.aiter_lines():
                    if not first and FIRST in line:
                        first = time.perf_counter() - begun
                    last = line or last
        except httpx.HTTPError as error:
            figures.errors.append(repr(error)[:200])
            return
        if first and last == "data: [DONE]":
            figures.first.append(first)
        else:
            figures.errors.append(last[:200])

    async def alone(self) -> Figures:
        """A few answers one after the other; the first, which warms everything up, is left out."""
        figures = Figures()
        async with httpx.AsyncClient(timeout=120) as client:
            await self.ask(client, Figures())
            for _ in range(ALONE):
                await self.ask(client, figures)
        return figures

    async def together(self, users: int, seconds: float) -> Figures:
        """Each user asks again as soon as an answer has ended."""
        figures = Figures()
        end = time.perf_counter() + seconds

        async def user(number: int) -> None:
            async with httpx.AsyncClient(timeout=120) as client:
                await asyncio.sleep(number * TOKENS * EVERY / users)  # people do not ask in step
                while time.perf_counter() < end:
                    await self.ask(client, figures)

        await asyncio.gather(*(user(number) for number in range(users)))
        return figures


class Clock:
    """How much of one processor each program takes, children included, from now on."""

    def __init__(self, programs: Mapping[str, psutil.Process]) -> None:
        self._programs = programs
        self._begun = time.perf_counter()
        self._before = {name: _seconds(program) for name, program in programs.items()}

    def shares(self) -> dict[str, float]:
        """Percent of one processor, by the program's name."""
        took = time.perf_counter() - self._begun
        return {
            name: round(100 * (_seconds(program) - self._before[name]) / took)
            for name, program in self._programs.items()
        }

    def each(self, name: str, answers: int) -> float:
        """Milliseconds of a processor that the program has taken for each answer."""
        took = _seconds(self._programs[name]) - self._before[name]
        return round(1000 * took / max(1, answers), 1)


def _seconds(program: psutil.Process) -> float:
    mine = program.pid == os.getpid()  # whose children are the servers
    family = [program, *([] if mine else program.children(recursive=True))]
    return sum(sum(one.cpu_times()[:2]) for one in family)


@contextmanager
def running(command: list[str], url: str, environment: dict[str, str]) -> Iterator[psutil.Process]:
    """A server as a program, from its first answer on and while the block runs."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=os.environ | environment, stderr=log, stdout=log)
        try:
            end = time.monotonic() + STARTS_WITHIN
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    said = log.read().decode(errors="replace")[-2000:]
                    raise SystemExit(f"{command} does not answer at {url}: {said}")
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


def show(row: dict[str, Any]) -> None:
    """One line, at once."""
    print(json.dumps(row), flush=True)


def compare(name: str, alone: Figures, together: Figures, raw: Figures) -> None:
    """What the issue asks for: beside one user, and over the bare server with as many users."""
    row = {"ratio": name, "p95_by_alone": round(together.p95() / alone.p50(), 2)}
    show(row | {"p95_over_raw_ms": round(together.p95() - raw.p95(), 1)})


def clicking(app: str, sessions: int, seconds: float) -> subprocess.Popen[bytes]:
    """Sessions of the app that click, as a program of its own; it prints its own line."""
    command = [sys.executable, str(HERE / "sessions.py"), app, str(sessions), str(seconds)]
    return subprocess.Popen(command)


def measure(options: argparse.Namespace) -> None:
    """Print every run as a JSON line, and how they compare."""
    ports = [free_port() for _ in range(3)]
    raw, api, app = (f"http://127.0.0.1:{port}" for port in ports)
    python = [sys.executable, "-m", "workbench.cli"]
    settings = {"HOME": str(options.workspace), "OPENAI_BASE_URL": f"{raw}/v1"}
    settings |= {"MODEL": NAME, "TUNED": NAME, "COLLECTION": COLLECTION}
    environment = {f"WORKBENCH_{name}": value for name, value in settings.items()}
    fake = [sys.executable, str(HERE / "fake_model.py"), str(ports[0])]
    serve = [*python, "serve", "--port", str(ports[1]), "--processes", str(options.processes)]
    with (
        running(fake, f"{raw}/v1/models", {}) as model,
        running(serve, f"{api}/healthz", environment) as server,
    ):
        programs = {"model": model, "api": server, "users": psutil.Process()}

        def run(name: str, asking: Asking) -> Figures:
            clock = Clock(programs)
            figures = asyncio.run(asking.together(options.users, options.seconds))
            row = figures.row(name) | {"processor": clock.shares()}
            show(row | {"api_ms_an_answer": clock.each("api", len(figures.first))})
            return figures

        many = f"{options.users} users"
        asking = Asking(raw, "fake")
        show(asyncio.run(asking.alone()).row("raw, 1 user"))
        bare = run(f"raw, {many}", asking)
        for mode in options.modes:
            asking = Asking(api, f"workbench-{mode}")
            alone = asyncio.run(asking.alone())
            show(alone.row(f"{mode}, 1 user"))
            compare(mode, alone, run(f"{mode}, {many}", asking), bare)
        if not options.app:
            return
        start = [*python, "run", "--no-browser", "--port", str(ports[2])]
        with running(start, app, environment) as page:
            programs["app"] = page
            clicks = clicking(app, options.app, options.seconds)
            run(f"{mode}, {many}, {options.app} sessions of the app", asking)
            clicks.wait()


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=1, help="of the API")
    parser.add_argument("--modes", nargs="+", default=["tuned", "documents"])
    parser.add_argument("--app", type=int, default=0, metavar="SESSIONS")
    parser.add_argument("--workspace", type=Path, help="kept; else one is made and thrown away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.workspace = (options.workspace or Path(folder) / "workspace").absolute()
        make_workspace(load_settings(home=options.workspace), PASSAGES)
        measure(options)


if __name__ == "__main__":
    main()
