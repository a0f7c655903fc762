"""A full disk, a huge file, a Chroma server that comes and goes: each says the fix, none loses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import free_port, missing
from retrieval_fakes import DIMENSION, NoiseEmbedder

from rag.engines.local import embed_here
from rag.engines.parts import cut
from rag.index_writer import BATCH, IndexWriter
from rag.ingest import ingest
from rag.passages import Document
from rag.progress import Progress
from rag.retriever import retrieve
from rag.sources import compare, find_files
from rag.store import create_collection, open_collection
from workbench.cli import workbench
from workbench.errors import Unavailable
from workbench.settings import Settings, load_settings

TEXT = "The lamp of the lighthouse of Vlieree burns nine hours a night.\n\n"
QUESTION = "How long does the lamp burn?"


@pytest.fixture
def small_disk(new_workspace: Callable[[Path], Path], tmp_path: Path) -> Iterator[Settings]:
    """A workspace on a disk of twelve megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)]
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not is_root or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield load_settings(home=new_workspace(disk))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_said_and_the_same_command_goes_on_later(
    small_disk: Settings, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(30):
        (files / f"{number}.txt").write_text(f"Lighthouse {number}. {TEXT}", "utf-8")
    ballast = small_disk.home / "ballast"
    with ballast.open("wb") as file:
        file.write(b"x" * (shutil.disk_usage(small_disk.home).free - 200_000))
    environment = {"WORKBENCH_HOME": str(small_disk.home)}
    failed = CliRunner().invoke(
        workbench, ["rag", "ingest", str(files), "-c", "c"], env=environment
    )
    assert failed.exit_code == 1, failed.output
    assert "Problem:" in failed.output and "Traceback" not in failed.output
    assert "space" in failed.output.lower()
    ballast.unlink()
    again = CliRunner().invoke(workbench, ["rag", "ingest", str(files), "-c", "c"], env=environment)
    assert again.exit_code == 0, again.output
    assert open_collection(small_disk, "c").count() == 30


def test_a_file_of_200_megabytes_is_read_or_refused_within_its_limits(
    settings: Settings, tmp_path: Path
) -> None:
    huge = tmp_path / "huge 🗂.bin"
    with huge.open("wb") as file:
        file.truncate(200_000_000)
    (tmp_path / "small.txt").write_text(TEXT, "utf-8")
    outcome = ingest([huge, tmp_path / "small.txt"], "c", settings)
    assert outcome.indexed == 1 and outcome.passages == 1
    assert outcome.empty == 1 or outcome.failed[0]["fix"]


@pytest.fixture
def chroma_server(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Starts a real Chroma server, and again after `.kill()`; gives its address."""
    program = Path(sys.executable).with_name("chroma")
    if not program.exists():
        missing("the command chroma")
    port, running = free_port(), []

    def begin() -> str:
        command = [program, "run", "--path", tmp_path / "server"]
        command += ["--port", str(port), "--host", "127.0.0.1"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.append(server)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                httpx.get(
                    f"http://127.0.0.1:{port}/api/v2/heartbeat", trust_env=False
                ).raise_for_status()
                return f"http://127.0.0.1:{port}"
            except httpx.HTTPError:
                time.sleep(0.1)
        raise TimeoutError("Chroma did not start")

    begin.kill = lambda: (running[-1].kill(), running[-1].wait())  # type: ignore[attr-defined]
    yield begin
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.chroma
def test_a_chroma_server_holds_the_index_and_its_loss_is_mended(
    settings: Settings, chroma_server: Callable[[], str], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    remote = settings.model_copy(update={"chroma_url": chroma_server()})
    assert ingest([tmp_path / "a.txt"], "c", remote).passages == 1
    best = retrieve(QUESTION, open_collection(remote, "c"), remote)[0]
    assert best.passage.text in TEXT
    assert not list((settings.home / "chroma").glob("*.sqlite3"))

    chroma_server.kill()  # type: ignore[attr-defined]
    with pytest.raises(Unavailable, match="does not answer") as failure:
        retrieve("lamp", open_collection(remote, "c"), remote)
    assert "WORKBENCH_CHROMA_URL" in failure.value.fix

    shutil.rmtree(tmp_path / "server")  # lost; the workspace still has every vector
    chroma_server()
    (tmp_path / "b.txt").write_text("The quay of Oosterwal is 90 metres long.", "utf-8")
    assert ingest([tmp_path / "a.txt", tmp_path / "b.txt"], "c", remote).passages == 2
    best = retrieve(QUESTION, open_collection(remote, "c"), remote)[0]
    assert best.passage.text in TEXT


@pytest.mark.chroma
def test_a_chroma_server_killed_in_mid_ingest_loses_and_doubles_nothing(
    settings: Settings, chroma_server: Callable[[], str], tmp_path: Path
) -> None:
    """It dies while the second batch is written to it."""
    remote = settings.model_copy(update={"chroma_url": chroma_server()})
    folder = tmp_path / "files"
    folder.mkdir()
    count = 3 * BATCH + 40
    for number in range(count):
        (folder / f"{number:04}.txt").write_text(f"Lamp {number} burns.", "utf-8")
    files = find_files([folder])
    collection = create_collection(remote, "c", "noise", DIMENSION)

    def read_on(written: Callable[[Document], None] = lambda document: None) -> int:
        """As `ingest` does, with an embedder that takes no time; the number of files read."""
        with collection.writing():
            known = {document.source: document for document in collection.documents()}
            fresh = [one for _, one, must_be_read in compare(files, known) if must_be_read]
            progress = Progress(lambda event: None, "c", count)
            parts = embed_here(cut(fresh, {}), NoiseEmbedder(), remote, progress)
            with IndexWriter(collection, written) as writer, closing(parts):
                for part in parts:
                    writer.add(part)
        return len(fresh)

    killer = Timer(0.02, chroma_server.kill)  # type: ignore[attr-defined]

    def kill(_: Document) -> None:
        if not killer.ident:
            killer.start()

    with pytest.raises(Unavailable, match="does not answer"):
        read_on(kill)
    killer.join()
    chroma_server()
    assert 0 < read_on() <= count - BATCH  # what was written before is not read again
    assert len(collection.documents()) == collection.count() == count
    stored = collection.index.handle().get(include=["embeddings"])
    ids = [passage.id for passage in collection.passages()]
    assert sorted(stored["ids"]) == sorted(ids)
    in_chroma = dict(zip(stored["ids"], stored["embeddings"], strict=True))
    _, vectors = collection.passages_and_vectors(ids)
    ours = np.array([in_chroma[name] for name in ids])
    assert np.allclose(ours, vectors, atol=1e-6)
