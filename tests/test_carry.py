"""Runs, models and collections pushed to a URL and pulled elsewhere: the same, whole or not at all."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from click.testing import CliRunner
from retrieval_fakes import DIMENSION, NoiseEmbedder

from rag.digest import digest_of
from rag.lexical_files import lexical_index
from rag.passages import Document, Locator, Passage
from rag.store import create_collection, list_collections, open_collection
from workbench.artefacts.model_folder import base_of
from workbench.artefacts.run_folder import RunFolder
from workbench.backup.making import make_backup
from workbench.backup.restoring import restore_backup
from workbench.carry.pulling import pull
from workbench.carry.pushing import push
from workbench.cli import workbench
from workbench.errors import Conflict, InvalidInput, NotFound, Unavailable, WorkbenchError
from workbench.files import locked, write_json
from workbench.settings import Settings, load_settings

URL = "memory://team/support.zip"
PASSAGES = 300
FINISHED = {"finished": "2026-11-24T10:00:00", "step": 2, "steps": 2}


@dataclass(frozen=True)
class Place:
    """A workspace with a run, its base and a collection, and one that has nothing yet."""

    full: Settings
    empty: Settings


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    full = load_settings(home=tmp_path / "full")
    base = full.folder("models", "base")
    write_json(base / "config.json", {"model_type": "llama"})
    (base / "model.safetensors").write_bytes(bytes(range(256)) * 4000)
    run = RunFolder(full.folder("runs", "support"))
    run.run_file.write_text('base = "base"\n', "utf-8")
    run.adapter.mkdir()
    write_json(run.adapter / "adapter_config.json", {"base_model_name_or_path": str(base)})
    (run.adapter / "adapter_model.safetensors").write_bytes(b"weights" * 1000)
    run.update_card(**FINISHED)
    fill(full, "handbook")
    yield Place(full, load_settings(home=tmp_path / "empty"))
    system = fsspec.filesystem("memory")
    if system.exists("/team"):
        system.rm("/team", recursive=True)


def fill(settings: Settings, name: str, passages: int = PASSAGES) -> None:
    """A collection of documents with one passage each, some of them in the workspace."""
    collection = create_collection(settings, name, "noise", DIMENSION)
    uploads = settings.folder("uploads", name)
    documents, found = [], []
    for number in range(passages):
        source = uploads / f"{number}.txt"
        text = f"Lamp {number} of {name} burns."
        if number < 3:
            source.write_text(text, "utf-8")
        documents.append(Document(str(source), f"{number:064}", 9, 9, "indexed", passages=1))
        found.append(Passage(f"{name}{number}", text, str(source), 0, Locator(line=1)))
    vectors = NoiseEmbedder().embed([passage.text for passage in found])
    with collection.writing():
        collection.replace(documents, found, vectors)


def files_of(settings: Settings) -> dict[str, bytes]:
    """Content of everything but databases and indexes."""
    found: dict[str, bytes] = {}
    for folder in ("runs", "models", "uploads"):
        for path in (settings.home / folder).rglob("*"):
            if path.is_file() and path.suffix != ".lock":
                found[str(path.relative_to(settings.home))] = path.read_bytes()
    return found


def test_what_is_pulled_elsewhere_is_the_same(place: Place) -> None:
    told: list[dict[str, Any]] = []
    made = push(place.full, ["support", "base", "collection:handbook"], URL, report=told.append)
    assert made.manifest.carried == {
        "run": ["support"],
        "model": ["base"],
        "collection": ["handbook"],
    }
    assert told[-1]["done"] == told[-1]["of"] > 0
    shutil.rmtree(place.full.home / "chroma")
    done = pull(place.empty, URL)
    assert done.carried == made.manifest.carried and done.told == []

    theirs, ours = files_of(place.full), files_of(place.empty)
    config = "runs/support/adapter/adapter_config.json"
    assert theirs.pop(config) != ours.pop(config) and theirs == ours
    run = RunFolder(place.empty.home / "runs" / "support")
    assert base_of(run.adapter) == str(place.empty.home / "models" / "base") and run.finished

    collection = open_collection(place.empty, "handbook")
    original = open_collection(place.full, "handbook")
    assert collection.count() == collection.index.count() == PASSAGES
    ids = [passage.id for passage in original.passages()]
    before, after = original.passages_and_vectors(ids), collection.passages_and_vectors(ids)
    assert [one.text for one in before[0]] == [one.text for one in after[0]]
    assert np.array_equal(before[1], after[1])
    assert Path(collection.documents()[0].source).is_relative_to(place.empty.home)
    assert lexical_index(collection).ids
    assert not list(place.empty.home.glob(".pull-*"))


def test_nothing_is_overwritten_unless_asked(place: Place) -> None:
    push(place.full, ["support", "handbook"], URL)
    before = fsspec.filesystem("memory").cat("/team/support.zip")
    with pytest.raises(Conflict, match="exists"):
        push(place.full, ["support"], URL)
    assert fsspec.filesystem("memory").cat("/team/support.zip") == before
    pull(place.empty, URL)
    RunFolder(place.empty.home / "runs" / "support").update_card(mine=True)
    digest = digest_of(open_collection(place.empty, "handbook"))
    with pytest.raises(Conflict, match="run:support exists"):
        pull(place.empty, URL)
    assert RunFolder(place.empty.home / "runs" / "support").card["mine"]
    with (
        locked(RunFolder(place.empty.home / "runs" / "support").folder),
        pytest.raises(Conflict, match="being trained"),
    ):
        pull(place.empty, URL, replace=True)
    pull(place.empty, URL, replace=True)
    assert "mine" not in RunFolder(place.empty.home / "runs" / "support").card
    assert digest_of(open_collection(place.empty, "handbook")) == digest
    assert [one.name for one in list_collections(place.empty, hidden=True)] == ["handbook"]
    push(place.full, ["support"], URL, replace=True)
    assert pull(load_settings(home=place.empty.home / "other"), URL).carried == {"run": ["support"]}


def damaged_bytes(archive: bytes) -> bytes:
    """One byte of a weight is another one."""
    at = archive.index(b"weightsweights") + 5
    return archive[:at] + b"X" + archive[at + 1 :]


def without_a_file(archive: bytes) -> bytes:
    """The archive again, one file short of its manifest."""
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(copy, "w") as new:
        for info in old.infolist():
            if not info.filename.endswith("adapter_model.safetensors"):
                new.writestr(info, old.read(info))
    return copy.getvalue()


def naming(path: str) -> Callable[[bytes], bytes]:
    """The archive again, with a run of that name in its manifest."""

    def change(archive: bytes) -> bytes:
        copy = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(copy, "w") as new:
            for info in old.infolist():
                data = old.read(info)
                if info.filename == "manifest.json":
                    data = json.dumps(json.loads(data) | {"carried": {"run": [path]}}).encode()
                new.writestr(info, data)
        return copy.getvalue()

    return change


@pytest.mark.parametrize(
    "change",
    [
        damaged_bytes,
        without_a_file,
        naming("../../outside"),
        naming(""),
        lambda archive: archive[: len(archive) // 2],
        lambda archive: b"no archive",
    ],
)
def test_a_damaged_or_foreign_archive_changes_nothing(
    place: Place, change: Callable[[bytes], bytes]
) -> None:
    push(place.full, ["support"], URL)
    system = fsspec.filesystem("memory")
    system.pipe("/team/support.zip", change(system.cat("/team/support.zip")))
    with pytest.raises(InvalidInput):
        pull(place.empty, URL)
    assert not files_of(place.empty) and not list(place.empty.home.glob(".pull-*"))


def test_a_push_that_fails_half_way_leaves_nothing(place: Place, tmp_path: Path) -> None:
    def stop(event: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    for url in (URL, f"file://{tmp_path}/store/support.zip"):
        with pytest.raises(KeyboardInterrupt):
            push(place.full, ["support", "base"], url, report=stop)
    assert not fsspec.filesystem("memory").exists("/team/support.zip")
    assert not list(tmp_path.glob("store/**/*.zip*"))


def test_a_pull_that_fails_half_way_keeps_the_collection_of_before(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(place.full, ["handbook"], URL)
    fill(place.empty, "handbook", 3)
    monkeypatch.setattr("rag.carrying._carry_calibration", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pull(place.empty, URL, replace=True)
    [only] = list_collections(place.empty, hidden=True)
    assert (only.name, only.count()) == ("handbook", 3)


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("memory://team/none.zip", NotFound, "nothing at"),
        ("s3://key:secret@bucket/a.zip", InvalidInput, "no address"),
        ("simplecache::memory://team/a.zip", InvalidInput, "no address"),
        ("nowhere://team/a.zip", InvalidInput, "no storage"),
        ("./a.zip", NotFound, "no file"),
    ],
)
def test_a_wrong_address_is_said(
    place: Place, url: str, kind: type[WorkbenchError], said: str
) -> None:
    with pytest.raises(kind, match=said) as refused:
        pull(place.empty, url)
    assert refused.value.fix and "secret" not in refused.value.problem


def test_a_storage_without_its_library_names_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(Unavailable, match="s3"):
        push(place.full, ["support"], "s3://bucket/a.zip")


def test_names_that_are_unknown_or_mean_several_things_are_told(place: Place) -> None:
    place.full.folder("models", "support").joinpath("config.json").write_text("{}")
    with pytest.raises(InvalidInput, match="several things: run, model") as refused:
        push(place.full, ["support"], URL)
    assert "run:support" in refused.value.fix
    with pytest.raises(NotFound):
        push(place.full, ["model:nothing"], URL)
    assert not fsspec.filesystem("memory").exists("/team/support.zip")


def test_a_workspace_is_backed_up_to_a_url_and_restored_from_it(place: Place) -> None:
    made = make_backup(place.full, URL)
    assert made.size == fsspec.filesystem("memory").size("/team/support.zip")
    with pytest.raises(Conflict, match="exists"):
        make_backup(place.full, URL)
    with pytest.raises(InvalidInput, match="backup of a workspace"):
        pull(place.empty, URL)
    there = place.empty.home / "restored"
    restore_backup(place.empty, URL, there)
    restored = load_settings(home=there)
    assert open_collection(restored, "handbook").count() == PASSAGES
    assert len(files_of(restored)) == len(files_of(place.full))


def test_the_commands_tell_what_they_carried(place: Place) -> None:
    def run(settings: Settings, *words: str) -> dict[str, Any]:
        environment = {"WORKBENCH_HOME": str(settings.home)}
        done = CliRunner().invoke(workbench, ["artefacts", *words, "--json"], env=environment)
        assert done.exit_code == 0, done.output
        return json.loads(done.output.splitlines()[-1])

    assert run(place.full, "push", "support", "handbook", URL)["carried"] == {
        "run": ["support"],
        "collection": ["handbook"],
    }
    pulled = run(place.empty, "pull", URL)
    # the base was not pushed
    assert pulled["told"] == [
        "The run support needs the model base, which is not here: push it too."
    ]
