"""A workspace in use -> a backup -> the same workspace elsewhere; an older one is brought up to date."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agents.answer import answer
from rag.catalogue import STORE as DOCUMENTS
from rag.chroma import close_client
from rag.ingest import ingest
from rag.store import open_collection
from workbench.backup.making import make_backup
from workbench.backup.manifest import INSIDE, MANIFEST
from workbench.backup.restoring import restore_backup
from workbench.chat.conversations import Conversations
from workbench.chat.database import STORE as CHATS
from workbench.chat.events import Event, Source, Token
from workbench.chat.streams import Stream
from workbench.cli import workbench
from workbench.errors import WorkbenchError
from workbench.files import locked, write_json
from workbench.settings import Settings, load_settings

OLD = Path(__file__).with_name("old_workspace.sql")
ANIMALS = ("otter", "lynx", "heron", "badger", "newt", "kestrel", "marmot", "vole")
QUESTIONS = ("What does the lynx eat?", "What does the heron eat?")
WAIT = 60  # seconds, at most


def run(*words: object) -> dict[str, Any]:
    """The last JSON line of a command that succeeds."""
    done = CliRunner().invoke(workbench, [*map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


def write_documents(folder: Path, names: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        food = f"{100 + number} grams of {name} feed"
        (folder / f"{name}.md").write_text(f"# The {name}\n\nThe {name} eats {food} a day.\n")


def sources(question: str, settings: Settings) -> list[tuple[str, str, str]]:
    """What an answer from documents shows: passage, text and file, in order."""
    events = answer(question, [], settings, mode="documents")
    found = [event for event in events if isinstance(event, Source)]
    assert found
    return [(one.passage_id, one.text, Path(one.source).name) for one in found]


@dataclass(frozen=True)
class Busy:
    """A workspace, a backup of it that was taken while it was used, and what it answered then."""

    settings: Settings
    file: Path
    done: dict[str, Any]
    found: list[list[tuple[str, str, str]]]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    """The backup is taken by the command, within an ingest and within an answer."""
    home = tmp_path_factory.mktemp("busy") / "here"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WORKBENCH_HOME", str(home))
        settings = load_settings(collection="zoo", model="none", home=home)
        uploads = settings.folder("uploads", "zoo")
        write_documents(uploads, ANIMALS)
        ingest([uploads], "zoo", settings)
        found = [sources(question, settings) for question in QUESTIONS]
        with InUse(settings):
            file = home.parent / "backup.zip"
            done = run("backup", file)
        close_client(settings)
        yield Busy(settings, file, done, found)


class InUse:
    """An ingest that holds its lock, an answer that grows, a chat that is written to all the time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._over = threading.Event()
        self._reached = threading.Semaphore(0)

    def __enter__(self) -> None:
        self._chats = Conversations(self._settings.database)
        chat = self._chats.create("while it is copied")
        message = self._chats.add(chat, "assistant", "", state="streaming")
        self._stream = Stream(self._chats, message, self._grow)
        self._threads = [
            threading.Thread(target=self._ingest),
            threading.Thread(target=self._write, args=[chat]),
        ]
        for thread in self._threads:
            thread.start()
        for _ in range(3):
            assert self._reached.acquire(timeout=WAIT)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(WAIT)
        assert self._stream.ended.wait(WAIT)

    def _grow(self) -> Iterator[Event]:
        yield Token("The first half, ")
        self._reached.release()
        while not self._over.wait(0.05):
            yield Token("")
        yield Token("and the second.")

    def _write(self, chat: int) -> None:
        self._reached.release()
        while not self._over.wait(0.001):
            self._chats.add(chat, "user", "x" * 5000)

    def _ingest(self) -> None:
        folder = self._settings.folder("uploads", "zoo")
        write_documents(folder, ("beaver", "stoat"))

        def report(event: dict[str, Any]) -> None:
            if event.get("state") == "unchanged" and event["done"] == len(ANIMALS):
                self._reached.release()
                self._over.wait(WAIT)

        ingest([folder], "zoo", self._settings, report=report)


def test_a_backup_taken_in_use_answers_the_same_elsewhere(busy: Busy, tmp_path: Path) -> None:
    assert busy.done["event"] == "done" and busy.done["damaged"] == []
    assert stat.S_IMODE(busy.file.stat().st_mode) == 0o600
    home = tmp_path / "elsewhere"
    done = run("restore", busy.file, "--into", home)
    assert done["folder"] == str(home) and done["told"] == [] and done["aside"] == ""
    there = busy.settings.model_copy(update={"home": home})
    assert [sources(question, there) for question in QUESTIONS] == busy.found
    documents = open_collection(there, "zoo").documents()
    assert {Path(one.source).parent for one in documents} == {home / "uploads" / "zoo"}
    assert len(documents) == len(ANIMALS), "as of the moment of the backup"
    [chat] = Conversations(there.database).recent()
    first = Conversations(there.database).messages(chat.id)[0]
    assert first.content in ("", "The first half, "), "the answer as it was"
    # reading the folder again finds only the files that were not in the index yet
    close_client(there)
    assert ingest([home / "uploads" / "zoo"], "zoo", there).unchanged == len(ANIMALS)
    close_client(there)


def test_what_is_made_again_or_unfinished_stays_out(settings: Settings, tmp_path: Path) -> None:
    home = settings.folder()
    for name in (
        *("chroma/chroma.sqlite3", "collections/1/lexical-2-1/ids.json", "downloads/a--b/x.gguf"),
        *("data/shop/tables.duckdb", "runs/busy/run.toml", ".a.json.1-2.part", "models/m/big.gguf"),
        *(
            "runs/done/run.toml",
            "runs/done/adapter/a.safetensors",
            "uploads/a/1.txt",
            "secrets.json",
        ),
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (home / "uploads/a/out.txt").symlink_to(tmp_path / "backup.zip")
    (home / "uploads/a/odd\nname").write_text("x")
    (home / "runs/empty").mkdir()
    file = tmp_path / "backup.zip"
    with pytest.MonkeyPatch.context() as environment, locked(home / "runs/busy"):
        environment.setenv("WORKBENCH_SECRETS", str(home / "secrets.json"))
        done = run("backup", file, "--without", "models")
    told = "\n".join(done["left_out"])
    for name in ("runs/busy", "models", "out.txt", "odd", "secrets.json"):
        assert name in told
    assert len(done["left_out"]) == 5
    restored = tmp_path / "restored"
    done = run("restore", file, "--into", restored)
    kept = {str(path.relative_to(restored)) for path in restored.rglob("*") if path.is_file()}
    assert kept == {"runs/done/run.toml", "runs/done/adapter/a.safetensors", "uploads/a/1.txt"}
    assert (restored / "runs/empty").is_dir() and done["without"] == ["models"]
    assert not any(path.stat().st_mode & 0o077 for path in [restored, *restored.rglob("*")])


def test_paths_move_with_the_workspace_and_others_are_named(
    settings: Settings, tmp_path: Path
) -> None:
    home = settings.folder()
    conversations = Conversations(settings.database)
    chat = conversations.create("a")
    place = f"{home}/uploads/a/ü.md"
    source = Source(1, "text", place, "p. 1", 1.0, "p1", "a")
    message = conversations.add(chat, "assistant", "", state="streaming")
    conversations.save(message, [Token(f"see {place}"), source], "done")
    write_json(home / "data/shop/source.json", {"name": "shop", "file": f"{home}/uploads/a.csv"})
    write_json(home / "data/away/source.json", {"name": "away", "file": "/gone/b.csv"})
    adapter = home / "runs/r/adapter/adapter_config.json"
    adapter.parent.mkdir(parents=True)
    adapter.write_text(json.dumps({"base_model_name_or_path": f"{home}/models/ü"}))
    (home / "runs/r/data").mkdir()
    (home / "runs/r/data/train.jsonl").write_text(json.dumps({"text": f"{home}/x"}))
    make_backup(settings, tmp_path / "b.zip")
    there = tmp_path / "dört"
    done = restore_backup(settings, tmp_path / "b.zip", there)
    assert json.loads((there / "data/shop/source.json").read_text())["file"] == (
        f"{there}/uploads/a.csv"
    )
    moved = json.loads((there / "runs/r/adapter/adapter_config.json").read_text())
    assert moved["base_model_name_or_path"] == f"{there}/models/ü"
    [message] = Conversations(there / "workbench.db").messages(chat)
    assert message.events[-1] == replace(source, source=f"{there}/uploads/a/ü.md")
    assert str(home) in message.content, "words of a person stay"
    assert str(home) in (there / "runs/r/data/train.jsonl").read_text(), "data has a sum"
    told = "\n".join(done.told)
    assert "data/away/source.json" in told and "/gone/b.csv" in told
    assert f"{there}/models/ü" not in told and len(done.told) == 1


Members = dict[str, bytes]


def in_manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Members], object]:
    def apply(members: Members) -> None:
        data = json.loads(members[MANIFEST])
        change(data)
        members[MANIFEST] = json.dumps(data).encode()

    return apply


def renamed(name: str) -> Callable[[Members], object]:
    """The first file under another name, in the archive and in the manifest."""

    def apply(members: Members) -> None:
        members[INSIDE + name] = members.pop(f"{INSIDE}a.txt")
        in_manifest(lambda data: data["files"].update({name: data["files"].pop("a.txt")}))(members)

    return apply


TAMPERED: dict[str, Callable[[Members], object]] = {
    "another content": lambda members: members.update({f"{INSIDE}a.txt": b"BBBB"}),
    "a longer content": lambda members: members.update({f"{INSIDE}a.txt": b"a" * 9}),
    "a file unannounced": lambda members: members.update({f"{INSIDE}c.txt": b"c"}),
    "a member beside": lambda members: members.update({"../c.txt": b"c"}),
    "a file gone": lambda members: members.pop(f"{INSIDE}a.txt"),
    "no manifest": lambda members: members.pop(MANIFEST),
    "no JSON": lambda members: members.update({MANIFEST: b"{"}),
    "another sum": in_manifest(lambda data: data["files"]["a.txt"].update(sha256="0")),
    "a later format": in_manifest(lambda data: data.update(format=99)),
    "a later database": in_manifest(lambda data: data["databases"].update({"workbench.db": 99})),
    "a time that no disk keeps": in_manifest(lambda data: data["folders"].update(b=1 << 80)),
    "no size": in_manifest(lambda data: data["files"]["a.txt"].update(size=-1)),
    "more than fits": in_manifest(lambda data: data["files"]["a.txt"].update(size=1 << 60)),
    "a folder above": in_manifest(lambda data: data["folders"].update({"../b": 1})),
    "up": renamed("../a.txt"),
    "up within": renamed("b/../../a.txt"),
    "from the root": renamed("/tmp/a.txt"),
    "a drive": renamed("C:/a.txt"),
    "backslashes": renamed("..\\a.txt"),
    "a file and a folder": renamed("b/c.txt/a.txt"),
}


@pytest.fixture
def small(settings: Settings, tmp_path: Path) -> Path:
    """A backup of two files."""
    (settings.folder() / "a.txt").write_text("aaaa")
    (settings.folder("b") / "c.txt").write_text("c" * 3000)
    make_backup(settings, tmp_path / "small.zip")
    return tmp_path / "small.zip"


@pytest.mark.parametrize("way", TAMPERED)
def test_a_tampered_archive_is_refused(
    way: str, small: Path, settings: Settings, tmp_path: Path
) -> None:
    with zipfile.ZipFile(small) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    TAMPERED[way](members)
    with zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    check_refused(small, settings, tmp_path)


def check_refused(file: Path, settings: Settings, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WorkbenchError) as caught:
        restore_backup(settings, file, tmp_path / "into")
    assert caught.value.fix
    assert sorted(tmp_path.rglob("*")) == before, "nothing is left behind"


def test_links_and_damaged_bytes_are_refused(
    small: Path, settings: Settings, tmp_path: Path
) -> None:
    with zipfile.ZipFile(small) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    link = next(info for info in members if info.filename == f"{INSIDE}a.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    whole = small.read_bytes()
    with zipfile.ZipFile(small, "w") as archive:
        for info, data in members.items():
            archive.writestr(info, data)
    check_refused(small, settings, tmp_path)
    small.write_bytes(b"no archive")
    check_refused(small, settings, tmp_path)
    chance = random.Random(3)
    refused = 0
    for number in range(150):
        data = bytearray(whole)
        if number % 5:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        else:
            del data[chance.randrange(len(data)) :]
        small.write_bytes(data)
        into = tmp_path / f"into{number}"
        try:
            restore_backup(settings, small, into)
        except WorkbenchError:
            refused += 1
            assert not into.exists()
        else:  # a bit that says nothing, such as a date
            assert (into / "b/c.txt").read_text() == "c" * 3000
    assert refused > 100


def test_a_workspace_is_replaced_on_wish_only_and_kept_aside(
    small: Path, settings: Settings, tmp_path: Path
) -> None:
    (settings.home / "a.txt").write_text("new")
    failed = CliRunner().invoke(workbench, ["restore", str(small)])
    assert failed.exit_code == 1 and "--replace" in failed.output
    assert (settings.home / "a.txt").read_text() == "new"
    done = run("restore", small, "--replace")
    assert (settings.home / "a.txt").read_text() == "aaaa"
    assert (Path(done["aside"]) / "a.txt").read_text() == "new"


def test_a_backup_overwrites_nothing_and_leaves_no_half(small: Path, settings: Settings) -> None:
    for file in (small, settings.home / "inside.zip"):
        with pytest.raises(WorkbenchError) as caught:
            make_backup(settings, file)
        assert caught.value.fix
    before = small.read_bytes()

    def stop(event: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_backup(settings, small, replace=True, report=stop)
    assert small.read_bytes() == before
    assert sorted(path.name for path in small.parent.iterdir() if path.is_file()) == [small.name]
    make_backup(settings, small, replace=True)


def test_a_damaged_database_is_copied_as_it_is(settings: Settings, tmp_path: Path) -> None:
    Conversations(settings.database).create("a")
    with closing(sqlite3.connect(settings.database)) as database:
        database.execute("pragma wal_checkpoint(truncate)")
    with settings.database.open("r+b") as file:
        file.seek(100)
        file.write(random.Random(1).randbytes(8000))
    damaged = settings.database.read_bytes()
    made = make_backup(settings, tmp_path / "b.zip")
    assert "workbench.db" in made.damaged[0]
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.read(f"{INSIDE}workbench.db") == damaged


def make_old_workspace(home: Path) -> None:
    """A workspace of the program as it was when the file was written."""
    name = ""
    scripts: dict[str, str] = {}
    for line in OLD.read_text("utf-8").splitlines(keepends=True):
        if line.startswith("-- ") and line.strip().endswith(".db"):
            name = line.split()[1]
        elif name:
            scripts[name] = scripts.get(name, "") + line
    assert len(scripts) == 2
    for name, script in scripts.items():
        with closing(sqlite3.connect(home / name)) as database:
            database.executescript(script)


def test_an_old_workspace_is_upgraded_and_comes_back(settings: Settings, tmp_path: Path) -> None:
    make_old_workspace(settings.folder())
    old = {name: (settings.home / name).read_bytes() for name in ("workbench.db", "index.db")}
    done = run("upgrade")
    versions = {one["name"]: (one["before"], one["now"]) for one in done["databases"]}
    assert versions == {"workbench.db": (6, CHATS.newest), "index.db": (0, DOCUMENTS.newest)}
    [chat] = Conversations(settings.database).recent("28 days")
    assert [one.content for one in Conversations(settings.database).messages(chat.id)][
        1
    ] == "28 days."
    [passage] = open_collection(settings, "old").passages()
    assert passage.text.startswith("Employees have 28")
    again = run("upgrade")
    assert again["backup"] == "" and all(one["before"] == one["now"] for one in again["databases"])

    back = run("restore", done["backup"], "--replace")
    for name, content in old.items():
        with closing(sqlite3.connect(settings.home / name)) as now:
            expected = sqlite3.connect(":memory:")
            expected.deserialize(content)
            assert list(now.iterdump()) == list(expected.iterdump()), "as it was before"
    assert Path(back["aside"]).is_dir()
    assert any("/papers/leave.md" in one for one in back["told"])


@pytest.mark.parametrize("version", range(1, CHATS.newest + 1))
def test_chats_of_every_version_are_upgraded(version: int, settings: Settings) -> None:
    CHATS.make(settings.database, version)
    with closing(sqlite3.connect(settings.database)) as database, database:
        database.execute("insert into conversations (title, created, updated) values ('a', 1, 1)")
    [done] = run("upgrade")["databases"]
    assert (done["before"], done["now"]) == (version, CHATS.newest)
    assert [one.title for one in Conversations(settings.database).recent()] == ["a"]


def test_a_newer_workspace_is_left_alone(settings: Settings) -> None:
    Conversations(settings.database)
    with closing(sqlite3.connect(settings.database)) as database:
        database.execute("pragma user_version = 99")
    failed = CliRunner().invoke(workbench, ["upgrade"])
    assert failed.exit_code == 1 and "newer" in failed.output
    shutil.rmtree(settings.home)
    assert run("upgrade")["databases"] == []
