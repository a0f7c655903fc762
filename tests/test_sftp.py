"""Archives on a real SSH server: whole, where the server is known, and not at all elsewhere."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import free_port, missing

from workbench.backup.making import make_backup
from workbench.backup.restoring import restore_backup
from workbench.chat.conversations import Conversations
from workbench.errors import Conflict, NotFound, Unavailable
from workbench.settings import Settings

WITHIN = 20  # seconds


def new_key(path: Path) -> str:
    """Make a key without a password; its public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text("utf-8")


@dataclass(frozen=True)
class Server:
    """An SSH server, and the line by which a user knows it."""

    url: str
    known: str


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user with a key, who knows no server."""
    home = tmp_path_factory.mktemp("home")
    (home / ".ssh").mkdir(mode=0o700)
    return home


@pytest.fixture(scope="module")
def server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets in the user of that home."""
    program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
    if not program:
        missing("sshd")
    folder = tmp_path_factory.mktemp("server")
    shown = new_key(folder / "host")
    (folder / "authorized").write_text(new_key(home / ".ssh/id_ed25519"), "utf-8")
    port = free_port()
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
        "Subsystem": "sftp internal-sftp",
        "PidFile": "none",
    }
    lines = [f"{name} {value}\n" for name, value in options.items()]
    (folder / "config").write_text("".join(lines), "utf-8")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # as the package's own service does
    running = subprocess.Popen([program, "-D", "-e", "-f", folder / "config"])
    wait_for(port)
    yield Server(f"sftp://127.0.0.1:{port}", f"[127.0.0.1]:{port} {shown}")
    running.terminate()
    running.wait(WITHIN)


@pytest.fixture
def hosts(home: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The list of servers that the user knows: this one."""
    monkeypatch.setenv("HOME", str(home))
    hosts = home / ".ssh/known_hosts"
    hosts.write_text(server.known, "utf-8")
    return hosts


@pytest.fixture
def full(settings: Settings) -> Settings:
    """A workspace with a chat."""
    Conversations(settings.database).create("灯塔")
    return settings


def wait_for(port: int) -> None:
    """Until something listens."""
    end = time.monotonic() + WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < end, "sshd has not started"
            time.sleep(0.05)


def test_a_backup_over_ssh_is_whole_and_restored(
    full: Settings, server: Server, hosts: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "far"
    folder.mkdir()
    place = f"{server.url}{folder}/b.zip"
    make_backup(full, place)
    (archive,) = folder.iterdir()
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
    with pytest.raises(Conflict):
        make_backup(full, place)
    make_backup(full, place, replace=True)
    restore_backup(full, place, tmp_path / "again")
    (chat,) = Conversations(tmp_path / "again/workbench.db").recent()
    assert chat.title == "灯塔"


def test_what_fails_leaves_nothing_there(
    full: Settings, server: Server, hosts: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "far"
    with pytest.raises(NotFound, match="nothing at"):
        make_backup(full, f"{server.url}{folder}/b.zip")
    folder.mkdir()

    def stop(event: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_backup(full, f"{server.url}{folder}/b.zip", report=stop)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("knows", ["nothing", "another key"])
def test_a_server_that_is_not_known_gets_nothing(
    knows: str, full: Settings, server: Server, hosts: Path, tmp_path: Path
) -> None:
    other = f"{server.known.split()[0]} {new_key(tmp_path / 'other')}"
    hosts.write_text("" if knows == "nothing" else other, "utf-8")
    folder = tmp_path / "far"
    folder.mkdir()
    with pytest.raises(Unavailable, match="known_hosts"):
        make_backup(full, f"{server.url}{folder}/b.zip")
    assert not list(folder.iterdir())
