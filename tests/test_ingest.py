"""Ingest: incremental, exact after a kill -9, and clear about what it cannot read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hostile_files import odd_entries

from rag.catalogue import Catalogue
from rag.ingest import ingest
from rag.progress import CALIBRATING, EMBEDDING, READING, WAITING
from rag.sources import find_files
from rag.store import open_collection
from workbench.cli import workbench
from workbench.errors import Conflict, InvalidInput
from workbench.settings import Settings


def write_files(folder: Path, count: int = 3) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        text = (
            f"# Chapter {number}\n\nThe lamp of house {number} burns {number} hours a night.\n\n"
            "Its keeper sleeps at noon.\n"
        )
        (folder / f"chapter-{number}.md").write_text(text, "utf-8")
    return folder


def index_of(settings: Settings, name: str = "c") -> dict[str, tuple[str, str, bytes]]:
    """Everything that a collection holds, the catalogue and Chroma compared."""
    collection = open_collection(settings, name)
    passages = collection.passages()
    _, vectors = collection.passages_and_vectors([passage.id for passage in passages])
    stored = collection.index.handle().get(include=["embeddings"])
    in_chroma = dict(zip(stored["ids"], stored["embeddings"], strict=True))
    assert in_chroma.keys() == {passage.id for passage in passages}
    for passage, vector in zip(passages, vectors, strict=True):
        assert np.allclose(in_chroma[passage.id], vector, atol=1e-6)
    return {p.id: (p.source, p.text, v.tobytes()) for p, v in zip(passages, vectors, strict=True)}


def test_a_second_run_reads_only_what_changed(settings: Settings, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "files")
    assert ingest([folder], "c", settings).indexed == 3
    before = index_of(settings)
    again = ingest([folder], "c", settings)
    assert (again.indexed, again.unchanged) == (0, 3) and index_of(settings) == before
    (folder / "chapter-1.md").write_text(
        "# Chapter 1\n\nNothing is as it was in this one.\n", "utf-8"
    )
    changed = ingest([folder], "c", settings)
    assert (changed.indexed, changed.unchanged) == (1, 2)
    texts = [text for _, text, _ in index_of(settings).values()]
    assert any("Nothing is as it was" in text for text in texts) and not any(
        "house 1 " in text for text in texts
    )


def test_a_file_that_is_gone_is_dropped_only_when_asked(settings: Settings, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "files")
    ingest([folder], "c", settings)
    (folder / "chapter-2.md").unlink()
    assert ingest([folder], "c", settings).removed == 0
    assert len(open_collection(settings, "c").documents()) == 3
    assert ingest([folder], "c", settings, prune=True).removed == 1
    assert {Path(source).name for source, _, _ in index_of(settings).values()} == {
        "chapter-0.md",
        "chapter-1.md",
    }


def test_a_bad_file_is_reported_and_stops_nothing(settings: Settings, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "files")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing of a document")
    (folder / "nothing.txt").write_text("")
    (folder / "😀 a..b.txt").write_text("A name may be strange.", "utf-8")
    outcome = ingest([folder], "c", settings)
    assert (outcome.indexed, outcome.empty, len(outcome.failed)) == (4, 1, 1)
    assert "damaged" in outcome.failed[0]["problem"] and outcome.failed[0]["fix"]
    assert len(ingest([folder], "c", settings).failed) == 1  # tried again, and still bad


def test_an_encrypted_file_takes_its_password(settings: Settings, tmp_path: Path) -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica")
    pdf.cell(text="The code of the safe is nine.")
    pdf.set_encryption(owner_password="owner", user_password="sesame")
    pdf.output(str(tmp_path / "safe.pdf"))
    refused = ingest([tmp_path / "safe.pdf"], "c", settings)
    assert "encrypted" in refused.failed[0]["problem"]
    assert refused.failed[0]["fix"] == "Enter its password."  # the page has a field for it
    wrong = ingest([tmp_path / "safe.pdf"], "c", settings, passwords={"*": "open"})
    assert "wrong" in wrong.failed[0]["problem"]
    assert (
        ingest([tmp_path / "safe.pdf"], "c", settings, passwords={"safe.pdf": "sesame"}).indexed
        == 1
    )


@pytest.mark.parametrize("delay", [0.8, 1.6, 2.2, 2.8])
def test_killed_at_any_moment_and_run_again_it_ends_the_same(
    settings: Settings, new_workspace: Callable[[Path], Path], tmp_path: Path, delay: float
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(40):
        body = "\n\n".join(
            f"## Part {part}\n\nLine {part} of book {number}, with words of its own."
            for part in range(30)
        )
        (folder / f"book-{number:02}.md").write_text(f"# Book {number}\n\n{body}\n", "utf-8")
    (tmp_path / "undisturbed").mkdir()
    undisturbed = settings.model_copy(update={"home": new_workspace(tmp_path / "undisturbed")})
    ingest([folder], "c", undisturbed)
    command = [
        sys.executable,
        "-m",
        "workbench.cli",
        "rag",
        "ingest",
        str(folder),
        "--collection",
        "c",
        "--json",
    ]
    environment = {**os.environ, "WORKBENCH_HOME": str(settings.home)}
    victim = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    time.sleep(delay)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours, theirs = index_of(settings), index_of(undisturbed)
    assert len(ours) > 40 and ours.keys() == theirs.keys()
    for name, (source, text, vector) in ours.items():
        assert (source, text) == theirs[name][:2]
        assert (
            np.frombuffer(vector, np.float32) @ np.frombuffer(theirs[name][2], np.float32) > 0.9999
        )  # passages that were embedded in other company


def test_another_embedder_is_a_conflict_that_names_the_command(
    settings: Settings, tmp_path: Path
) -> None:
    ingest([write_files(tmp_path / "files")], "c", settings)
    with pytest.raises(Conflict) as refused:
        ingest([tmp_path / "files"], "c", settings, embedder="another")
    assert "workbench rag reindex c --embedder another" in refused.value.fix


def test_another_process_that_creates_the_collection_first_is_no_fault(
    settings: Settings, tmp_path: Path
) -> None:
    """Both look before either has created it; the second meets the first's collection."""
    from rag.store import create_collection

    made = create_collection(settings, "c", settings.embedder, 384)
    with pytest.raises(Conflict):
        create_collection(settings, "c", settings.embedder, 384)
    assert ingest([write_files(tmp_path / "files")], "c", settings).passages == made.count() > 0


def test_pipes_and_links_out_of_a_folder_are_left_alone(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "files", 1)
    (folder / "inside.md").symlink_to(folder / "chapter-0.md")
    odd = odd_entries(folder, ".txt")
    left_out: list[str] = []
    assert [path.name for path in find_files([folder], left_out)] == ["chapter-0.md", "inside.md"]
    assert [Path(sentence.split()[0]).name for sentence in left_out] == odd
    with pytest.raises(InvalidInput, match="neither a file nor a folder"):
        find_files([folder / "pipe.txt"])


def test_an_empty_folder_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no file in"):
        ingest([tmp_path / "empty"], "c", settings)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(workbench, ["rag", *arguments])


def test_the_command_ends_with_the_promised_line(settings: Settings, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "files")
    done = run("ingest", str(folder), "--collection", "c", "--json")
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert done.exit_code == 0
    last = {key: lines[-1][key] for key in ("event", "indexed", "unchanged", "empty", "failed")}
    assert last == {"event": "done", "indexed": 3, "unchanged": 0, "empty": 0, "failed": []}
    assert lines[-1]["passages"] == open_collection(settings, "c").count()
    assert [line["state"] for line in lines if line["event"] == "progress"] == ["indexed"] * 3
    for line in lines[:-1]:
        assert line["stage"] in (READING, EMBEDDING, CALIBRATING, WAITING)
        assert 0 <= line["done"] <= line["of"] and line["seconds"] >= 0
    assert [line["stage"] for line in lines[:-1]] == [READING] * 3 + [CALIBRATING]


def test_an_encrypted_document_without_text_says_so(settings: Settings, tmp_path: Path) -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_encryption(owner_password="owner", user_password="sesame")
    path = tmp_path / "blank.pdf"
    pdf.output(str(path))
    refused = run("ingest", str(path), "-c", "c", "--json")
    last = json.loads(refused.output.splitlines()[-1])
    assert refused.exit_code == 1 and last["summary"] == "Read 0, empty 0, failed 1"
    assert last["failed"][0]["fix"] == "Give its password: --password blank.pdf=PASSWORD"
    opened = run("ingest", str(path), "-c", "c", "--password", "blank.pdf=sesame", "--json")
    assert opened.exit_code == 0, opened.output
    assert json.loads(opened.output.splitlines()[-1])["summary"] == "Read 0, empty 1, failed 0"
    [document] = open_collection(settings, "c").documents()
    assert document.state == "empty" and document.fix
    assert document.problem == "There is no text in it. Is it a scan?"


def test_a_run_without_anything_readable_exits_with_one(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7")
    assert run("ingest", str(tmp_path / "broken.pdf"), "--collection", "c", "--json").exit_code == 1
    missing = run("ingest", str(tmp_path / "nowhere"), "--json")
    assert missing.exit_code == 1 and json.loads(missing.output)["event"] == "failed"
    assert run("ingest").exit_code == 2


def test_several_may_open_a_new_workspace_at_once(tmp_path: Path) -> None:
    for number in range(20):
        together = threading.Barrier(6)
        path = tmp_path / f"{number}.db"

        def open_it(_: int, path: Path = path, together: threading.Barrier = together) -> list[str]:
            together.wait()
            return Catalogue(path).names()

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(open_it, range(6))) == [[]] * 6
