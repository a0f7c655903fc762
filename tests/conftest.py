"""Shared fixtures: an empty workspace, free ports, and real servers that skip on a laptop and fail
in CI.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from install_servers import deepspeed_folder, ollama_binary
from model_servers import Ollama
from pydantic import SecretStr

from workbench.cli import share_processor
from workbench.jobs.job import list_jobs
from workbench.settings import Settings, load_settings
from workbench.storage.place import Place, Schema

if TYPE_CHECKING:
    from database_servers import Server

share_processor()  # before any test imports torch: two tests at a time share two processors
# what a shell runs in the background ignores Ctrl-C, and so would every program that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = [  # they begin first, so that none runs on alone once the others have ended
    "test_training_launch",
    "test_deploy_publish",
    "test_deploy_adapter",
    "test_loop_steps",
    "test_training_resume",
    "test_browser_loop",
    "test_browser_training",
]
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, then those with the most tests."""
    place = {name: number for number, name in enumerate(LONGEST)}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (place.get(item.path.stem, len(LONGEST)), -tests[item.path]))


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is made of installed packages is made once and shared by all tests of a run.

    Fixtures of a module begin before those of a test: the cache is set before both.
    """
    cache = tmp_path_factory.getbasetemp().parent / "cache"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WORKBENCH_CACHE", str(cache))
        yield


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person's own WORKBENCH_* variables do not reach a test."""
    for name in [name for name in os.environ if name.startswith("WORKBENCH_")]:
        if name != "WORKBENCH_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # nor does a test touch the person's keyring
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture
def settings(
    new_workspace: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings on an empty workspace, also for the commands that a test runs.

    Jobs end with the test.
    """
    monkeypatch.setenv("WORKBENCH_HOME", str(new_workspace(tmp_path)))
    monkeypatch.setenv(
        "XDG_CONFIG_HOME", str(tmp_path / "config")
    )  # where passwords of databases are kept
    settings = load_settings()
    yield settings
    for job in list_jobs(settings):
        if job.state == "running":
            job.cancel(grace=0)


@pytest.fixture(scope="session")
def new_workspace() -> Callable[[Path], Path]:
    """Makes an empty workspace in a folder."""

    def make(folder: Path) -> Path:
        home = folder / "workspace"
        home.mkdir()
        return home

    return make


def missing(what: str) -> None:
    """A real part is not there: skip with the reason on a laptop, fail in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing; `make servers` installs it")
    pytest.skip(f"{what} is missing; `make servers` installs it")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny chat model that knows the answers of `tiny_models.PAIRS`."""
    from tiny_models import make_model, teach

    return teach(make_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def shared_data() -> Path:
    """The measuring data that lies beside the clone, where it is there."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is not beside this clone")
    return SHARED_DATA


@pytest.fixture(scope="session")
def shared_ollama(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Ollama]:
    """A real Ollama server that has the tiny model as `tiny`; tests ask for `ollama_server`."""
    with running_ollama(tmp_path_factory.mktemp("ollama")) as server:
        server.create("tiny", tiny_model)
        yield server


@pytest.fixture
def ollama_server(shared_ollama: Ollama) -> Iterator[str]:
    """The address of an Ollama server that has the tiny model as `tiny`, and no other.

    What a test publishes there goes when it ends: the next test may be of any module.
    """
    yield shared_ollama.url
    shared_ollama.remove_all_but("tiny:latest")


@contextmanager
def running_ollama(folder: Path) -> Iterator[Ollama]:
    binary = ollama_binary() if ollama_binary().exists() else shutil.which("ollama")
    if not binary:
        missing("Ollama")
    server = Ollama(str(binary), folder, free_port())
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def deepspeed(monkeypatch: pytest.MonkeyPatch) -> None:
    """DeepSpeed on the path of the commands that a test starts."""
    folder = deepspeed_folder()
    if find_spec("deepspeed") is not None:
        return
    if not folder.exists():
        missing("DeepSpeed")
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Server]:
    """A real MariaDB server with an empty database `shop`."""
    from database_servers import mariadb

    with mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A real PostgreSQL server with an empty database `shop`."""
    from database_servers import postgresql

    with postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def chat_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for chats without any: a file, and then a schema of a server."""
    if request.param == "sqlite":
        yield tmp_path / "workbench.db"
        return
    server: Server = request.getfixturevalue("postgresql_server")
    schema = Schema(SecretStr(server.url), f"groups/{tmp_path.name}")
    yield schema
    server.run(f"drop schema if exists {schema.name} cascade")


# one browser for all modules; at the end, because these fixtures use what stands above
from browser import app, chromium, open_page  # noqa: E402, F401
from published import empty_ollama, publishing, run_home  # noqa: E402, F401
