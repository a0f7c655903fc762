"""Parts -> passages and vectors by workers of a Ray cluster, or of a Ray of this machine alone.

Ray itself pickles what it sends, so a cluster is made of machines that trust each other, with this
version of Workbench and the same models on each. No files need to be shared: their bytes are sent,
a part for each worker at a time.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Generator, Hashable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from io import TextIOBase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import numpy as np

from rag.engines.crew import Crew, WorkerLost
from rag.engines.parts import Embedded, Part
from rag.engines.ray_worker import Content, RayWorker
from rag.openvino_embedder import SAME_COSINE, SAMPLES
from rag.passages import Document
from rag.progress import Progress
from rag.reader_process import refusal
from rag.sentence_models import Embedder
from workbench.errors import Conflict, InvalidInput, Unavailable, WorkbenchError
from workbench.extras import require
from workbench.messages import say
from workbench.settings import Settings

PURPOSE = say("Reading on a Ray cluster")
ADDRESS = re.compile(r"(?:ray://)?(?P<host>\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})")
PATIENCE = 5  # seconds that an address has to answer
SETTINGS = 4  # the kind of HTTP/2's first frame
MOST_CORES = 4  # of one worker; an embedder gains little from more
OBJECT_STORE = 500_000_000  # bytes, of a Ray of this machine; more goes to its disk
SENT = ("home", "ollama_host", "file_seconds", "file_megabytes")  # settings that a worker needs
PASSED_ON = ("HF_HOME", "HF_HUB_OFFLINE", "WORKBENCH_CACHE")


@dataclass(frozen=True)
class RayEngine:
    """An engine; see `rag.engines.parts.Engine`.

    `workers` 0: as many as the cluster has room for; `cores` 0: up to four processors for each.
    Without an address Ray starts on this machine, for as long as the ingest takes.
    """

    address: str = ""
    workers: int = 0
    cores: int = 0

    def check(self) -> None:
        """Raises Unavailable without Ray or a cluster that answers, InvalidInput for no address."""
        _import_ray(self.address)
        if self.address:
            _check_answers(self.address)

    def __call__(
        self, parts: Sequence[Part], encoder: Embedder, settings: Settings, progress: Progress
    ) -> Generator[Embedded, None, None]:
        """Raises Unavailable, Conflict where a worker's embedder is another one."""
        if not parts:
            return
        with _connected(self.address) as ray:
            count, cores = _room(ray, self.workers, self.cores)
            workers = RayWorkers(ray, encoder, settings, cores)
            yield from Crew(workers, count, progress, encoder.dimension).run(parts)


class RayWorkers:
    """The `Workers` of a cluster: each is an actor with `cores` processors."""

    def __init__(self, ray: Any, encoder: Embedder, settings: Settings, cores: int) -> None:
        self._ray = ray
        self._settings = settings
        self._own = encoder.embed(SAMPLES)
        self._starting: set[Hashable] = set()
        self._arguments = (encoder.name, _sent(settings), cores)
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self._actor = ray.remote(RayWorker).options(
            num_cpus=cores, max_restarts=0, runtime_env={"env_vars": environment}
        )

    def start(self) -> tuple[Any, Hashable]:
        worker = self._actor.remote(*self._arguments)
        task = worker.ready.remote()
        self._starting.add(task)
        return worker, task

    def give(self, worker: Any, part: Part) -> Hashable:
        contents = [_content(document, self._settings) for document in part.documents]
        return worker.embed.remote(part, contents)

    def wait(self, tasks: Sequence[Hashable]) -> Sequence[Hashable]:
        done: list[Hashable] = []
        while not done:  # by the second, so that a signal is seen
            done, _ = self._ray.wait(list(tasks), num_returns=1, timeout=1)
        return done

    def result(self, task: Any) -> Embedded | None:
        errors = self._ray.exceptions
        try:
            made = self._ray.get(task)
        except errors.RayTaskError as error:
            if isinstance(error.cause, WorkbenchError):
                raise error.cause from error
            raise WorkerLost(_last_line(error)) from error
        except errors.RayError as error:
            raise WorkerLost(_last_line(error)) from error
        if task not in self._starting:
            return made
        self._starting.discard(task)
        self._check_same(*made)
        return None

    def _check_same(self, its_version: str, vectors: np.ndarray) -> None:
        """Raises Conflict for a worker that would make another index."""
        own_version = version("agent-workbench")
        if its_version != own_version:
            raise Conflict(
                say(
                    "A worker has Workbench {other}, this machine {own}.",
                    other=its_version,
                    own=own_version,
                ),
                "Install the same version on all machines of the cluster.",
            )
        same = vectors.shape == self._own.shape
        if not same or (vectors * self._own).sum(axis=1).min() < SAME_COSINE:
            raise Conflict(
                say("A worker's embedder {name} is not the one here.", name=self._arguments[0]),
                "Put the same model on all machines of the cluster.",
            )


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray, connected to the cluster or to one of this machine that ends here."""
    ray = _import_ray(address)
    if address:
        with _started(ray, address, {"address": address}):
            yield ray
        return
    # its paths become names of sockets, which may have 100 characters
    place = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 – the folder in it is new
    with TemporaryDirectory(prefix="wb-", dir=place, ignore_cleanup_errors=True) as folder:
        own = {
            "address": "local",
            "num_cpus": os.cpu_count(),
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE,
            "_temp_dir": folder,
        }
        with _started(ray, "127.0.0.1", own):
            yield ray


@contextmanager
def _started(ray: Any, address: str, options: dict[str, Any]) -> Iterator[None]:
    """Ray connected with these options, its noise kept from stdout. Raises Unavailable."""
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    stopped = False
    try:
        ray.init(**options, log_to_driver=False, logging_level="ERROR")
    except SystemExit:  # Ray's own handler has heard the signal
        stopped = True
    except Exception as error:  # Ray raises bare ones where a part of it does not start
        raise _unavailable(address, _first_line(error)) from error
    finally:
        for number, handler in before.items():  # Ray sets its own, and a stop must be heard
            signal.signal(number, handler)
    try:
        if stopped:
            signal.raise_signal(signal.SIGTERM)
        with redirect_stdout(_WithoutRay(sys.stdout)):
            yield
    finally:
        ray.shutdown()  # ends this connection's workers too


class _WithoutRay(TextIOBase):
    """Stdout as the command's own: a thread of Ray prints there when a worker dies."""

    def __init__(self, stdout: TextIO) -> None:
        self._stdout = stdout

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith("ray_"):
            return len(text)
        return self._stdout.write(text)

    def flush(self) -> None:
        self._stdout.flush()


def _import_ray(address: str) -> Any:
    # what Ray reads when it is imported
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    os.environ.setdefault("RAY_gcs_rpc_server_connect_timeout_s", str(PATIENCE))
    if not address:
        # the name of the switch for the loopback address, which Linux knows too
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        # else every user of this machine could run programs through it
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # read once a process
    return require("ray", "ray", PURPOSE)


def _check_answers(address: str) -> None:
    found = ADDRESS.fullmatch(address)
    if not found:
        raise InvalidInput(
            say("{address} is no address of a Ray cluster.", address=address),
            "Give --address HOST:6379 on a machine of the cluster, or ray://HOST:10001.",
        )
    try:
        place = (found["host"].strip("[]"), int(found["port"]))
        with socket.create_connection(place, timeout=PATIENCE) as connection:
            speaks = "RAY_USE_TLS" in os.environ or _speaks_grpc(connection)
    except (OSError, OverflowError) as error:
        raise _unavailable(address, str(error)) from error
    if not speaks:
        raise _unavailable(address, say("another program listens there"))


def _speaks_grpc(connection: socket.socket) -> bool:
    """Whether HTTP/2 is answered, as gRPC wants it: Ray itself would try for minutes."""
    connection.sendall(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0])
    )
    head = connection.recv(4)
    return len(head) == 4 and head[3] == SETTINGS


def _unavailable(address: str, reason: str) -> Unavailable:
    if "version mismatch" in reason.lower():
        return Unavailable(
            say("The Ray cluster at {address} has another version.", address=address),
            say(
                "Install the same versions of Ray and Python on all machines; here: {versions}",
                versions=reason,
            ),
        )
    return Unavailable(
        say(
            "The Ray cluster at {address} does not answer: {reason}",
            address=address,
            reason=reason,
        ),
        "Look whether it runs: ray status --address HOST:6379",
    )


def _room(ray: Any, wanted: int, given: int) -> tuple[int, int]:
    """(how many workers, processors of each) the cluster has room for."""
    machines = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    machines = [cores for cores in machines if cores]
    if not machines:
        raise Unavailable(
            "The Ray cluster has no processors for workers.", "Add machines: ray start --address …"
        )
    cores = min(given or MOST_CORES, *machines)
    if wanted and not given:
        cores = max(1, min(cores, sum(machines) // wanted))
    most = sum(machine // cores for machine in machines)
    return min(wanted or most, most), cores


def _sent(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in SENT}


def _content(document: Document, settings: Settings) -> Content:
    """The file's bytes, as long as it may be read."""
    path = Path(document.source)
    error = refusal(path, settings)
    if error:
        return error
    try:
        return path.read_bytes()
    except OSError as failure:
        return InvalidInput(
            say("The file cannot be opened: {reason}", reason=failure.strerror),
            "Check who may read it.",
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
