"""A keyring in a file, which PYTHON_KEYRING_BACKEND names, so that other processes have it too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import PasswordDeleteError

BACKEND = "fake_keyring.FileKeyring"


class FileKeyring(KeyringBackend):
    """Service and user -> password, in the file that FAKE_KEYRING names."""

    priority = 5  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write(self._read() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._read()
        if kept.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError(username)
        self._write(kept)

    @property
    def _path(self) -> Path:
        return Path(os.environ["FAKE_KEYRING"])

    def _read(self) -> dict[str, str]:
        return json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}

    def _write(self, data: dict[str, str]) -> None:
        self._path.write_text(json.dumps(data), "utf-8")


@pytest.fixture
def keyring_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A keyring that keeps secrets, in this file; the processes that a test starts have it too."""
    path = tmp_path / "keyring.json"
    monkeypatch.setenv("FAKE_KEYRING", str(path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", BACKEND)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    keyring.set_keyring(FileKeyring())
    yield path
    keyring.set_keyring(fail.Keyring())
