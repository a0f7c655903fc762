"""A disk that is really full, or only for reading: each command says so and leaves nothing.

The disk is a small tmpfs, which only root may mount.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tiny_models import make_model
from tiny_runs import make_run

from finetune.run.config import load_config
from finetune.run.runs import open_run
from workbench.chat.conversations import Conversations
from workbench.cli import workbench
from workbench.errors import Unwritable
from workbench.settings import Settings, load_settings

COMMANDS = [
    "chats export --out DISK/chats.json --json",
    "finetune data split ROWS --out DISK/parts --json",
    "finetune make-base DISK/base ROWS --layers 1 --width 32 --json",
    "deploy merge RUN DISK/merged --json",
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """64 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_every_large_writer_tells_it_and_leaves_nothing(
    disk: Path, settings: Settings, tmp_path: Path
) -> None:
    conversations = Conversations(settings.database)
    conversations.add(conversations.create("long"), "user", os.urandom(100_000).hex())
    rows = tmp_path / "rows.jsonl"
    texts = [{"instruction": f"{number}?", "output": "a" * 9_000} for number in range(20)]
    rows.write_text("".join(json.dumps(text) + "\n" for text in texts), "utf-8")
    make_run(settings.home, make_model(tmp_path / "model"), "tuned", steps=0)
    names = {"DISK": str(disk), "ROWS": str(rows), "RUN": "tuned"}
    (disk / "old").write_bytes(b"a" * 8_000)
    for command in COMMANDS:
        code, last = _run(command, names)
        assert code == 1 and "No space left" in last["problem"] and last["fix"], (command, last)
        assert _names(disk) == ["old"], command
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for command in COMMANDS[:2]:
        code, last = _run(command, names)
        assert code == 1 and "Read-only file system" in last["problem"] and last["fix"], command
        assert _names(disk) == ["old"], command


def _run(command: str, names: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """The exit status of a command, and the last event that it printed."""
    words = [_filled(word, names) for word in command.split()]
    done = CliRunner().invoke(workbench, words)
    lines = done.stdout.splitlines()
    return done.exit_code, json.loads(lines[-1]) if lines else {"problem": repr(done.exception)}


def _filled(word: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        word = word.replace(name, value)
    return word


def test_a_workspace_for_reading_only_begins_no_run(disk: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('name = "a"\nbase = "b"\n[data]\ntrain = ["c"]\n', "utf-8")
    settings = load_settings(home=disk)
    settings.folder("runs")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(Unwritable, match="Read-only"):
        open_run(path, load_config(path), settings)
    assert _names(disk / "runs") == []


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
