"""`workbench run`: a free port, examples in a new workspace, pages without a model library."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from conftest import free_port

from agents.attached import keep_in_chat
from rag.catalogue import Catalogue
from workbench.errors import Unavailable, Unwritable
from workbench.settings import Settings
from workbench.start.checks import check_machine
from workbench.start.doctor import examine
from workbench.start.finding import find_libraries
from workbench.start.run import PORTS_TRIED, ROOT, fill_new_workspace, find_port
from workbench.ui.uploads import safe_name, save_uploads


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < find_port("127.0.0.1", port) < port + PORTS_TRIED


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.start.run.PORTS_TRIED", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unavailable, match="No port"):
            find_port("127.0.0.1", taken.getsockname()[1])


def test_the_app_runs_in_the_folder_it_was_started_in(settings: Settings, tmp_path: Path) -> None:
    """Its workbench.toml stays the current one."""
    for one in ("index.db", "data"):  # not a first start
        (settings.home / one).mkdir()
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "workbench.toml").write_text(f"port = {free_port()}\n", "utf-8")
    command = [sys.executable, "-m", "workbench.cli", "run", "--no-browser"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    app = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert app.stdout
        url = next(line.split()[1] for line in app.stdout if line.startswith("Open"))
        end = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{url}/_stcore/health", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < end, "the app did not start"
                time.sleep(0.2)
        assert Path(psutil.Process(app.pid).cwd()) == folder
    finally:
        app.kill()
        app.wait()


def test_every_package_adds_its_checks_to_the_doctor(settings: Settings) -> None:
    found = {finding.what: finding for finding in examine(settings)}
    wanted = ["Python", "Workspace", "Ollama", "Embedder", "Chroma", "OCR", "trl", "gguf"]
    assert not set(wanted) - set(found)
    assert found["Embedder"].state == "ok"


def test_garbage_in_the_conversations_is_found_by_the_doctor(settings: Settings) -> None:
    settings.database.write_bytes(b"garbage " * 600)
    found = {finding.what: finding for finding in check_machine(settings)}
    assert found["Conversations"].state == "broken" and found["Conversations"].fix


def test_a_library_of_an_extra_may_be_missing() -> None:
    needed, extra = [*find_libraries("no-such-thing"), *find_libraries("none-such", extra="train")]
    assert needed.state == "broken"
    assert extra.state == "missing" and "[train]" in extra.fix


def test_the_example_is_read_once_and_never_comes_back(settings: Settings) -> None:
    fill_new_workspace(settings)
    catalogue = Catalogue(settings.home / "index.db")
    assert catalogue.names() == ["handbook"]
    with catalogue.connect() as database:
        database.execute("delete from collections")
    fill_new_workspace(settings)
    assert catalogue.names() == []


@pytest.mark.parametrize(
    "page",
    [
        "agents/ui/chat.py",
        "rag/ui/knowledge.py",
        "finetune/ui/training.py",
        "agents/databases/ui/data.py",
    ],
)
def test_a_page_is_drawn_without_a_model_library(settings: Settings, page: str) -> None:
    fill_new_workspace(settings)
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / page)!r}, default_timeout=60).run()\n"
        "assert not app.exception, app.exception\n"
        "assert app.title, 'an empty page'\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers'} & sys.modules.keys()\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


class Upload:
    def __init__(self, name: str, content: bytes = b"text") -> None:
        self.name, self._content = name, content

    def getbuffer(self) -> memoryview:
        return memoryview(self._content)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("报告 🚀.pdf", "报告 🚀.pdf"),
        ("a\x00b:c.txt", "a_b_c.txt"),
        ("...", "file"),
        ("", "file"),
        ("e\u0301.md", "é.md"),
    ],
)
def test_a_file_keeps_its_name_but_not_its_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_very_long_name_is_cut_and_keeps_its_ending() -> None:
    name = safe_name("长" * 300 + ".pdf")
    assert len(name.encode()) <= 200 and name.endswith(".pdf")


def test_uploads_stay_in_their_folder_and_replace_their_namesake(settings: Settings) -> None:
    first = save_uploads(settings, "notes", [Upload("../a.txt", b"one")])
    again = save_uploads(settings, "notes", [Upload("a.txt", b"two")])
    assert first == again == [settings.home / "uploads" / "notes" / "a.txt"]
    assert again[0].read_bytes() == b"two"
    assert [path.name for path in again[0].parent.iterdir()] == ["a.txt"]


def test_a_full_workspace_takes_no_more_files(settings: Settings) -> None:
    small = settings.model_copy(update={"space_megabytes": 1})
    (settings.folder() / "big").write_bytes(bytes(999_990))
    before = set(settings.home.rglob("*"))
    files = [Upload("a.txt", b"12345"), Upload("b.txt", b"123456")]
    with pytest.raises(Unwritable, match="1 MB is full"):
        save_uploads(small, "notes", files)
    with pytest.raises(Unwritable, match="1 MB is full"):
        keep_in_chat(small, 1, files)
    assert set(settings.home.rglob("*")) == before
    assert save_uploads(small, "notes", files[:1]) and save_uploads(settings, "notes", files)
