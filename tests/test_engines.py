"""Workers read and embed an ingest's files: the same index as one process, whoever dies meanwhile."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from retrieval_fakes import DIMENSION, NoiseEmbedder

from rag.digest import digest_of
from rag.engines.crew import BROKE_WORKERS, FAILED_STARTS, Crew, WorkerLost
from rag.engines.local import embed_here
from rag.engines.parts import MOST_FILES, Embedded, Part, cut, embed
from rag.engines.ray_crew import RayWorkers, _check_answers, _unavailable
from rag.engines.ray_worker import RayWorker
from rag.index_writer import IndexWriter
from rag.ingest import ingest
from rag.passages import Block, Document, Locator
from rag.progress import Progress
from rag.sources import compare, find_files
from rag.store import Collection, create_collection, open_collection
from workbench.cli import workbench
from workbench.errors import Conflict, InvalidInput, Unavailable
from workbench.settings import Settings

FILES = 2 * MOST_FILES + 10  # three parts


class CompanyEmbedder(NoiseEmbedder):
    """A text's vector depends a little on those beside it, as those of real embedders do."""

    def embed(self, texts: Sequence[str], role: str = "document") -> np.ndarray:
        return super().embed(texts) + np.float32(len(texts) / 1e5)


Dies = Callable[[int, int, Part | None], bool]
"""Whether a worker is lost at the end of a task: (how many ended before, worker, its part)."""


class ScriptedWorkers:
    """Workers of this process, done in an order of their own."""

    def __init__(self, dies: Dies) -> None:
        self._dies = dies
        self._chance = random.Random(5)
        self._tasks: dict[Hashable, tuple[int, Part | None]] = {}
        self._ended = 0
        self.started = 0
        self.lost = 0
        self.most_at_once = 0

    def start(self) -> tuple[int, Hashable]:
        self.started += 1
        return self.started, self._task(self.started, None)

    def give(self, worker: int, part: Part) -> Hashable:
        return self._task(worker, part)

    def _task(self, worker: int, part: Part | None) -> Hashable:
        name = object()
        self._tasks[name] = (worker, part)
        self.most_at_once = max(self.most_at_once, len(self._tasks))
        return name

    def wait(self, tasks: Sequence[Hashable]) -> Sequence[Hashable]:
        assert set(tasks) == self._tasks.keys()
        return [self._chance.choice(tasks)]

    def result(self, task: Any) -> Embedded | None:
        worker, part = self._tasks.pop(task)
        dies = self._dies(self._ended, worker, part)
        self._ended += 1
        if dies:
            self.lost += 1
            raise WorkerLost(f"worker {worker} was killed")
        if part is None:
            return None
        texts = [Path(one.source).read_text("utf-8") for one in part.documents]
        results = [[Block(text, Locator(line=1))] for text in texts]
        return embed(part.documents, results, CompanyEmbedder())


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    folder = tmp_path_factory.mktemp("files")
    for number in range(FILES):
        (folder / f"{number:03}.txt").write_text(f"Lamp {number} burns at night.", "utf-8")
    return [document for _, document, _ in compare(find_files([folder]), {})]


def written(
    name: str, settings: Settings, parts: Iterator[Embedded]
) -> tuple[Collection, list[Document]]:
    """A new collection with these parts, and what was told of its documents."""
    collection = create_collection(settings, name, "noise", DIMENSION)
    told: list[Document] = []
    with collection.writing(), IndexWriter(collection, told.append) as writer, closing(parts):
        for part in parts:
            writer.add(part)
    return collection, told


def run_crew(
    workers: ScriptedWorkers, documents: list[Document], count: int = 2
) -> tuple[Iterator[Embedded], list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    crew = Crew(workers, count, Progress(events.append, "c", len(documents)), DIMENSION)
    return crew.run(cut(documents, {})), events


def test_parts_hold_each_document_once_and_are_bounded(documents: list[Document]) -> None:
    parts = cut(documents, {documents[3].source: "sesame"})
    assert [len(part.documents) for part in parts] == [MOST_FILES, MOST_FILES, 10]
    assert [one for part in parts for one in part.documents] == documents
    assert [dict(part.passwords) for part in parts] == [{documents[3].source: "sesame"}, {}, {}]
    large = [Document(str(number), "", 400_000, 0, "") for number in range(3)]
    assert [len(part.documents) for part in cut(large, {})] == [1, 1, 1]
    assert cut([], {}) == []


@pytest.mark.parametrize("deaths", [set(), {0}, {0, 1}, {2}, {2, 5, 6}])
def test_the_index_is_that_of_one_process_whoever_dies(
    settings: Settings, documents: list[Document], deaths: set[int]
) -> None:
    progress = Progress(lambda event: None, "c", FILES)
    here, _ = written(
        "here", settings, embed_here(cut(documents, {}), CompanyEmbedder(), settings, progress)
    )
    workers = ScriptedWorkers(lambda ended, worker, part: ended in deaths)
    parts, events = run_crew(workers, documents)
    there, told = written("there", settings, parts)
    assert digest_of(there) == digest_of(here) and there.count() == FILES
    assert there.index.count() == FILES
    assert sorted(one.source for one in told) == [one.source for one in documents]
    assert workers.lost == len(deaths) and workers.most_at_once <= 2
    assert [event["event"] for event in events].count("worker_lost") == len(deaths)


def test_a_file_that_kills_every_worker_is_set_aside_and_told(
    settings: Settings, documents: list[Document]
) -> None:
    poison = documents[70]
    workers = ScriptedWorkers(
        lambda ended, worker, part: part is not None and poison in part.documents
    )
    parts, _ = run_crew(workers, documents)
    collection, told = written("c", settings, parts)
    assert workers.lost == 3 and len(told) == FILES
    [failed] = [one for one in collection.documents() if one.state != "indexed"]
    assert failed.source == poison.source and failed.state == "failed"
    assert (failed.problem, failed.fix) == (BROKE_WORKERS.problem, BROKE_WORKERS.fix)
    assert collection.count() == FILES - 1


def test_without_any_worker_the_ingest_ends_and_keeps_what_it_has(
    settings: Settings, documents: list[Document]
) -> None:
    workers = ScriptedWorkers(lambda ended, worker, part: True)
    with pytest.raises(Unavailable, match="No worker of the cluster becomes ready"):
        written("c", settings, run_crew(workers, documents)[0])
    assert workers.started == FAILED_STARTS + 1  # two at first, then in their places

    # with one that lives, the others are given up and it does all of the work
    workers = ScriptedWorkers(lambda ended, worker, part: worker > 1)
    collection, _ = written("d", settings, run_crew(workers, documents)[0])
    assert collection.count() == FILES and workers.lost <= FAILED_STARTS + 1


def test_a_worker_gets_bytes_and_needs_no_path(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code of a Ray worker, without Ray."""
    source = tmp_path / "elsewhere" / "note.md"  # of another machine
    document = Document(str(source), "", 20, 0, "")
    worker = RayWorker("noise", {"home": settings.home}, 1)
    worker._encoder = NoiseEmbedder()
    refused = InvalidInput("The file may not be read by this user.", "Change its permissions.")
    part = Part((document, document))
    try:
        made = worker.embed(part, [b"# Lamps\n\nThey burn.", refused])
    finally:
        worker._readers.close()
    assert [one.state for one in made.documents] == ["indexed", "failed"]
    [passage] = made.passages
    assert passage.source == str(source) and "They burn." in passage.text
    assert made.vectors.shape == (1, DIMENSION)
    assert not list(tmp_path.rglob("note.md"))


def test_another_model_or_version_on_a_worker_is_refused(settings: Settings) -> None:
    crew = object.__new__(RayWorkers)
    own = NoiseEmbedder().embed(["a", "b"])
    crew._own, crew._arguments = own, ("noise", {}, 1)
    version = sys.modules["importlib.metadata"].version("agent-workbench")
    crew._check_same(version, own)
    with pytest.raises(Conflict, match="is not the one here"):
        crew._check_same(version, own[::-1])
    with pytest.raises(Conflict, match=r"0\.0\.9"):
        crew._check_same("0.0.9", own)


def test_another_version_of_ray_is_said_as_such() -> None:
    reason = "Version mismatch: The cluster was started with: Ray: 2.50.0 Python: 3.12.1"
    refused = _unavailable("10.0.0.5:6379", reason)
    assert "another version" in refused.problem and "2.50.0" in refused.fix
    assert "does not answer" in _unavailable("10.0.0.5:6379", "Failed to connect").problem


@pytest.mark.parametrize(
    ("answer", "is_ray"),
    [(bytes([0, 0, 6, 4, 0, 0, 0, 0, 0]), True), (b"HTTP/1.1 505 no\r\n", False), (b"", False)],
)
def test_a_port_of_another_program_is_said_at_once(answer: bytes, is_ray: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as connection:
                assert connection.recv(33).startswith(b"PRI * HTTP/2.0")
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        if is_ray:
            _check_answers(address)
        else:
            with pytest.raises(Unavailable, match="another program listens"):
                _check_answers(address)
        thread.join()


ray_is_here = find_spec("ray") is not None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("10001", "is no address of a Ray cluster"),
        ("http://machine:8265", "is no address of a Ray cluster"),
        ("127.0.0.1:1", "does not answer"),
        ("ray://127.0.0.1:1", "does not answer"),
    ],
)
def test_a_wrong_address_is_said_at_once(
    settings: Settings, tmp_path: Path, address: str, said: str
) -> None:
    (tmp_path / "a.txt").write_text("A lamp.", "utf-8")
    words = ["rag", "ingest", str(tmp_path / "a.txt"), "--engine", "ray", "--address", address]
    done = CliRunner().invoke(workbench, words)
    assert done.exit_code == 1
    if ray_is_here:
        assert said in done.output
    else:
        assert "needs the library ray" in done.output and ".[ray]" in done.output
    assert not (settings.home / "index.db").exists()


CLUSTER = (
    "import ray, sys\n"
    "cluster = ray.init(include_dashboard=False, num_cpus=2, object_store_memory=100_000_000,\n"
    "    _node_ip_address='127.0.0.1', log_to_driver=False)\n"
    "print(cluster.address_info['gcs_address'], flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a Ray cluster of this machine with room for two workers."""
    if not ray_is_here:
        pytest.skip('the extra `ray` is not installed: uv pip install -e ".[ray]"')
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    empty = tmp_path / "cluster"  # not beside a folder named ray, which Ray would import
    empty.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=empty,
    ) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.communicate("")


def test_a_real_cluster_makes_the_same_index_though_a_worker_is_killed(
    cluster: str, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(FILES):
        text = f"Lamp {number} burns at night. " + "Its keeper writes down every ship. " * 20
        (folder / f"{number:03}.txt").write_text(text, "utf-8")
    assert ingest([folder], "here", settings).indexed == FILES
    words = ["rag", "ingest", str(folder), "-c", "there", "--json"]
    words += ["--engine", "ray", "--address", cluster, "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "starting" and events[-1]["done"] == 1:
            victim = wait_for_worker()
            os.kill(victim, signal.SIGKILL)
    assert process.wait(60) == 0, process.stderr.read() if process.stderr else ""
    kinds = [event["event"] for event in events]
    assert kinds.count("worker_lost") == 1 and kinds[-1] == "done"
    assert events[-1]["indexed"] == FILES and kinds.count("progress") == FILES
    there = open_collection(settings, "there")
    assert digest_of(there) == digest_of(open_collection(settings, "here"))
    assert there.index.count() == there.count()


def wait_for_worker() -> int:
    """The process of a worker that embeds."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for process in psutil.process_iter(["name", "cmdline"]):
            if "ray::RayWorker.embed" in " ".join(process.info["cmdline"] or []):
                return process.pid
        time.sleep(0.05)
    raise TimeoutError("no worker embeds")
