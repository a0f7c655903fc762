"""Another user of the machine can enter no workspace, whatever has written into it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import missing

from workbench.private import close_to_others
from workbench.settings import Settings
from workbench.start.checks import check_machine

ROOT = Path(__file__).resolve().parents[1]
LIVE = """
import sqlite3
from workbench.chat.conversations import Conversations
from workbench.files import write_json
from workbench.private import keep_private
from workbench.settings import load_settings
keep_private()
settings = load_settings()
conversations = Conversations(settings.database)
write_json(settings.folder("jobs", "one") / "job.json", {})
with (settings.folder("data") / "audit.jsonl").open("a") as log:
    log.write("secret")
database = sqlite3.connect(settings.home / "index.db", isolation_level=None)
database.execute("pragma journal_mode = wal")
database.execute("create table passages (text)")
open_files = [path.name for path in settings.home.iterdir()]
assert "index.db-wal" in open_files, open_files
print(settings.home)
input()
"""
SEARCH = """
import os, sys
found = []
for root, folders, names in os.walk(sys.argv[1], onerror=lambda error: None):
    found += [os.path.join(root, name) for name in names]
for name in ("workbench.db", "index.db", "index.db-wal", "data/audit.jsonl", "jobs/one/job.json"):
    try:
        open(os.path.join(sys.argv[1], name), "rb").read()
        found.append(name)
    except OSError:
        pass
print(found)
"""


def rights_of_others(home: Path) -> list[str]:
    paths = [home, *home.rglob("*")]
    return [str(path) for path in paths if stat.S_IMODE(path.lstat().st_mode) & 0o077]


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_a_second_user_reads_nothing_of_a_workspace(tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    environment = os.environ | {"WORKBENCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    living = subprocess.Popen(
        [sys.executable, "-c", LIVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    try:
        assert living.stdout and living.stdout.readline().strip() == str(home)
        assert rights_of_others(home) == []
        for folder in [tmp_path, *tmp_path.parents]:  # all but the workspace itself is open
            if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o055)
        # not the tests' own Python, which may lie in a closed folder
        python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or missing(
            "/usr/bin/python3"
        )
        done = subprocess.run(
            [*_as_nobody(), str(python), "-I", "-c", SEARCH, str(home)],
            capture_output=True,
            text=True,
            cwd="/",
        )
        assert done.stdout.strip() == "[]", done.stderr
    finally:
        living.communicate("\n")


def _as_nobody() -> list[str]:
    """What runs a command as a user without any right."""
    if os.geteuid() == 0 and shutil.which("setpriv"):
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    sudo = ["sudo", "-n", "-u", "nobody"]
    if not shutil.which("sudo") or subprocess.run([*sudo, "true"], capture_output=True).returncode:
        missing("a way to become another user")
    return sudo


def test_an_older_workspace_is_closed_once(settings: Settings, tmp_path: Path) -> None:
    home = settings.home
    (home / "jobs" / "one").mkdir(parents=True)
    (home / "jobs" / "one" / "run.sh").write_text("")
    (home / "jobs" / "one" / "run.sh").chmod(0o755)
    (home / "workbench.db").write_text("")
    (home / "workbench.db").chmod(0o644)
    outside = tmp_path / "outside"
    outside.write_text("")
    outside.chmod(0o644)
    (home / "link").symlink_to(outside)
    home.chmod(0o755)
    before = {finding.what: finding for finding in check_machine(settings)}
    assert before["Privacy"].state == "missing" and "chmod" in before["Privacy"].fix
    assert close_to_others(home) >= 3
    assert rights_of_others(home) == [str(home / "link")]
    assert stat.S_IMODE((home / "jobs" / "one" / "run.sh").stat().st_mode) == 0o700
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644
    assert close_to_others(home) == 0
    after = {finding.what: finding for finding in check_machine(settings)}
    assert after["Privacy"].state == "ok"


def test_a_persons_home_is_no_workspace_to_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    (tmp_path / "ann").mkdir()
    tmp_path.chmod(0o755)
    assert close_to_others(tmp_path / "ann") == close_to_others(tmp_path) == 0
