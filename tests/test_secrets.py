"""Passwords and keys: in the environment or the machine's keyring, and nowhere that can be read."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import keyring
import psutil
import pytest
from click.testing import CliRunner
from database_servers import PASSWORD, Server
from fake_keyring import FileKeyring, keyring_file
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.backends.chainer import ChainerBackend
from model_servers import Script, openai_server

from agents.databases.passwords import (
    forget_password,
    keep_password,
    password_of,
    secrets_file,
)
from workbench import machine_keyring
from workbench.cli import workbench
from workbench.jobs.job import start
from workbench.settings import Settings

__all__ = ["keyring_file"]
KEY = "sk-Planted/Key+0123456789"
WRONG = "Wr0ng/Pass+word"
ADDRESS = "mysql+pymysql://reader@127.0.0.1:3306/shop"


def forms_of(secret: str) -> list[bytes]:
    """How it may be written somewhere."""
    encoded = base64.b64encode(secret.encode()).rstrip(b"=")
    return [
        secret.encode(),
        secret.encode("utf-16-le"),
        quote(secret, safe="").encode(),
        json.dumps(secret)[1:-1].replace("/", "\\/").encode(),
        encoded[:-2],
    ]


def leaks(data: bytes) -> list[str]:
    found = []
    for secret in (PASSWORD, KEY, WRONG):
        if any(form in data for form in forms_of(secret)):
            found.append(secret)
    return found


@contextmanager
def listed_processes() -> Iterator[set[str]]:
    """The command lines of all processes that begin meanwhile, as `ps` shows them to anybody."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        known: set[int] = set()
        while not ended.wait(0.01):
            for pid in set(psutil.pids()) - known:
                try:
                    words = psutil.Process(pid).cmdline()
                except psutil.Error:
                    continue
                seen.add(" ".join(words))
                if "workbench" in " ".join(words):  # before that it is not yet what it becomes
                    known.add(pid)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        ended.set()
        watching.join()


def live(settings: Settings, address: str, server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the commands and jobs of a life say: things that go well, and things that fail."""

    def run(*words: str, typed: str = "") -> str:
        done = CliRunner().invoke(workbench, list(words), input=typed + "\n")
        return done.output + repr(done.exception)

    said = [
        run("data", "add", "shop", address, "--password", typed=PASSWORD),
        run("data", "run", "shop", "--sql", "select 1"),
        run("data", "run", "shop", "--sql", "drop table users"),
        run("models", "connect", "openai", server, "--name", "lab", "--key", typed=KEY),
        run("models", "connect", "openai", server, "--name", "other", "--key", typed=WRONG),
        run("models", "test", "openai:lab/scripted"),
        run("ask", "Hello", "--mode", "none", "--model", "openai:lab/scripted"),
        run("mcp", "add", "far", "--url", "http://127.0.0.1:9/mcp", "--token", typed=KEY),
    ]
    assert "Added shop" in said[0] and "lab" in said[3] and "Hello there" in said[6], said
    jobs = [
        start(settings, "Good", ["data", "schema", "shop", "--refresh", "--json"]),
        start(
            settings,
            "Wrong",
            ["data", "schema", "shop", "--refresh"],
            private={"WORKBENCH_DATA_PASSWORD_SHOP": WRONG},
        ),
    ]
    while any(job.exit_status is None for job in jobs):
        time.sleep(0.05)
    assert [job.exit_status for job in jobs] == [0, 1]
    monkeypatch.setenv("WORKBENCH_DATA_PASSWORD_SHOP", WRONG)
    said.append(run("data", "schema", "shop", "--refresh"))
    assert "refuses the user or the password" in said[-1]
    return "\n".join(said)


@pytest.mark.mariadb
def test_no_byte_of_a_life_tells_a_secret(
    settings: Settings,
    keyring_file: Path,
    mariadb_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", "127.0.0.1:9")
    with listed_processes() as listed, openai_server(Script(wanted_key=KEY)) as server:
        said = live(settings, mariadb_server.bare, server, monkeypatch)
    assert leaks(said.encode()) == []
    assert any("schema shop --refresh" in line for line in listed)
    assert leaks("\n".join(listed).encode()) == []
    searched = [path for path in tmp_path.rglob("*") if path.is_file()]
    found = {path.name: leaks(path.read_bytes()) for path in searched}
    # the search finds what is there
    assert set(found.pop("keyring.json")) == {PASSWORD, KEY}
    assert len(found) > 10 and not any(found.values()), found
    assert list(json.loads(secrets_file().read_text()).values()) == [None]


def test_a_password_is_in_the_keyring_and_the_environment_comes_first(
    settings: Settings, keyring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_password(ADDRESS, PASSWORD)
    assert PASSWORD in keyring_file.read_text() and PASSWORD not in secrets_file().read_text()
    assert password_of("shop", ADDRESS) == PASSWORD
    monkeypatch.setenv("WORKBENCH_DATA_PASSWORD_SHOP", "other")
    assert password_of("shop", ADDRESS) == "other"
    forget_password(ADDRESS)
    assert json.loads(keyring_file.read_text()) == json.loads(secrets_file().read_text()) == {}


def test_a_file_of_before_the_keyring_is_still_read(settings: Settings, keyring_file: Path) -> None:
    secrets_file().parent.mkdir(parents=True)
    secrets_file().write_text(json.dumps({ADDRESS: PASSWORD}))
    assert password_of("shop", ADDRESS) == PASSWORD
    keep_password(ADDRESS, "newer")
    assert json.loads(secrets_file().read_text()) == {ADDRESS: None}
    assert password_of("shop", ADDRESS) == "newer"


class PlainText(FileKeyring):
    """As those that write plain text are rated."""

    priority = 0.5  # type: ignore[assignment]


class Several(ChainerBackend):
    """Keyrings that are tried in turn, as where a machine has more than one."""

    backends: Sequence[KeyringBackend] = [fail.Keyring(), PlainText()]  # type: ignore[assignment]
    priority = 10  # type: ignore[assignment]


@pytest.mark.parametrize("found", [PlainText, Several, fail.Keyring])
def test_a_keyring_of_plain_text_gets_nothing(
    found: type[KeyringBackend], settings: Settings, keyring_file: Path
) -> None:
    keyring.set_keyring(found())
    assert not machine_keyring.has_keyring()
    keep_password(ADDRESS, PASSWORD)
    assert not keyring_file.exists()
    assert password_of("shop", ADDRESS) == PASSWORD  # from the file of the person's own
    assert secrets_file().stat().st_mode & 0o077 == 0
