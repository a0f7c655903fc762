"""The audit log: bounded, rotated, whole lines of several processes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.databases import audit as audit_module
from agents.databases.audit import LARGEST_FILE, LONGEST_TEXT, OLDER_FILES, audit
from agents.databases.sources import DataSource, add_source
from tests.databases import make_sqlite
from workbench.settings import Settings, load_settings


@pytest.fixture
def source(settings: Settings, tmp_path: Path) -> DataSource:
    return add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))


def lines_of(settings: Settings) -> list[dict[str, Any]]:
    log = settings.home / "data" / "audit.jsonl"
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_a_long_statement_is_cut_with_its_length_and_hash(
    settings: Settings, source: DataSource
) -> None:
    statement = "SELECT '" + "é" * 20_000_000 + "'"
    audit(settings, source, statement, "refused", problem="too long " + statement)
    log = settings.home / "data" / "audit.jsonl"
    assert log.stat().st_size < 30_000
    (line,) = lines_of(settings)
    assert line["sql"] == statement[:LONGEST_TEXT] + "…"
    assert line["sql_characters"] == len(statement)
    assert line["sql_sha256"] == hashlib.sha256(statement.encode()).hexdigest()
    assert line["problem_characters"] == len(statement) + 9


def test_a_statement_that_is_no_unicode_is_kept_as_json(
    settings: Settings, source: DataSource
) -> None:
    audit(settings, source, "SELECT '\udc80'\n", "refused")
    assert lines_of(settings)[0]["sql"] == "SELECT '\udc80'\n"


def test_a_full_log_makes_room_and_few_files_stay(
    settings: Settings, source: DataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "LARGEST_FILE", 2_000)
    for number in range(200):
        audit(settings, source, f"SELECT {number}", "ran")
    logs = sorted((settings.home / "data").glob("audit*.jsonl"))
    assert len(logs) == OLDER_FILES + 1 and LARGEST_FILE > 1_000_000
    assert all(log.stat().st_size <= 2_000 for log in logs)
    assert all(log.stat().st_mode & 0o777 == 0o600 for log in logs)
    assert lines_of(settings)[-1]["sql"] == "SELECT 199"
    newest_old = (settings.home / "data" / "audit.1.jsonl").read_text().splitlines()
    assert json.loads(newest_old[-1])["sql"] == f"SELECT {199 - len(lines_of(settings))}"


WRITER = """
import sys
from agents.databases import audit as module
from agents.databases.sources import find_source
from workbench.settings import load_settings
module.LARGEST_FILE = 20_000
settings = load_settings()
source = find_source(settings, "shop")
for number in range(60):
    module.audit(settings, source, f"SELECT {sys.argv[1]}, {number}, '{'x' * 300}'", "ran")
"""


def test_processes_write_whole_lines_and_rotate_together(
    source: DataSource, settings: Settings
) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, str(n)]) for n in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    logs = list((load_settings().home / "data").glob("audit*.jsonl"))
    found = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    assert len({line["sql"] for line in found}) == len(found) == 180
