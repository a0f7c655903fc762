"""`workbench repair`: what is damaged is made again of what can be read, and nothing is deleted."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from rag.chroma import close_client
from rag.ingest import ingest
from rag.mending import check_index
from rag.store import open_collection
from workbench.chat.conversations import Conversations
from workbench.chat.database import STORE, add_row
from workbench.cli import workbench
from workbench.errors import Conflict, Damaged, WorkbenchError
from workbench.settings import Settings, load_settings
from workbench.start.mending import check_stores
from workbench.storage.connecting import connect

EMBEDDER = "all-MiniLM-L6-v2"


def repair() -> dict[str, list[str]]:
    run = CliRunner().invoke(workbench, ["repair", "--json"])
    assert run.exit_code == 0, run.output
    last = json.loads(run.stdout.splitlines()[-1])
    assert last.pop("event") == "done" and set(last) == {"repaired", "lost"}
    return last


def broken(settings: Settings) -> list[str]:
    """What `workbench doctor` says of the workspace's files."""
    findings = [*check_stores(settings), *check_index(settings)]
    assert all("workbench repair" in one.fix for one in findings if one.state == "broken")
    return [one.what for one in findings if one.state == "broken"]


def overwrite(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(random.Random(1).randbytes(length))


@pytest.fixture(scope="module")
def made_chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 chats in a database without a log beside it."""
    path = tmp_path_factory.mktemp("chats") / "workbench.db"
    STORE.bring_up_to_date(path)
    now = {"created": 0, "updated": 0}
    with connect(path) as database:
        for number in range(200):
            chat = now | {"title": f"chat {number}", "origin": str(number)}
            question = {"role": "user", "content": f"question {number} " + "x" * 300, "created": 0}
            place = {"conversation": add_row(database, "conversations", chat)}
            add_row(database, "messages", place | question)
    _empty_log(path)
    return path


@pytest.fixture
def chats(made_chats: Path, settings: Settings) -> Path:
    return Path(shutil.copyfile(made_chats, settings.database))


def _empty_log(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma wal_checkpoint(truncate)")


def test_readable_chats_are_kept_and_the_damaged_file_too(chats: Path, settings: Settings) -> None:
    overwrite(chats, chats.stat().st_size // 2, 5000)
    damaged = chats.read_bytes()
    assert broken(settings) == ["Conversations"]
    done = repair()
    assert "workbench.db" in done["repaired"][0]
    kept = Conversations(chats).recent(limit=1000)
    assert 100 < len(kept) <= 200
    (aside,) = chats.parent.glob("workbench.db.damaged-*[0-9]")
    assert aside.read_bytes() == damaged
    assert broken(settings) == [] and repair() == {"repaired": [], "lost": []}
    Conversations(chats).add(kept[0].id, "user", "and on")
    assert [one.id for one in Conversations(chats).recent("and on")] == [kept[0].id]


WAYS: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(random.Random(1).randbytes(20_000)),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5_000]),
    "foreign": lambda path: (path.unlink(), sqlite3.connect(path).execute("create table a (b)")),
    "without a table": lambda path: sqlite3.connect(path).execute("drop table votes"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_cannot_be_read_is_told_and_kept_aside(
    way: str, chats: Path, settings: Settings
) -> None:
    WAYS[way](chats)
    assert broken(settings) == ["Conversations"]
    with pytest.raises(Damaged) as caught:
        conversations = Conversations(chats)
        conversations.messages(1)
        conversations.votes()
    assert str(chats) in caught.value.problem and "workbench repair" in caught.value.fix
    done = repair()
    assert done["repaired"] and (done["lost"] or way == "without a table")
    assert list(chats.parent.glob("workbench.db.damaged-*")) and broken(settings) == []
    Conversations(chats).create("new")


def test_a_damaged_row_loses_only_what_is_damaged(chats: Path, settings: Settings) -> None:
    with sqlite3.connect(chats) as database:
        database.execute("update messages set events = '[{' where id = 1")
    with pytest.raises(WorkbenchError):
        Conversations(chats).messages(1)
    assert len(repair()["lost"]) == 1
    assert Conversations(chats).messages(1)[0].content.startswith("question 0")


def test_a_file_of_a_newer_version_is_left_alone(chats: Path) -> None:
    with sqlite3.connect(chats) as database:
        database.execute("pragma user_version = 99")
    with pytest.raises(Conflict, match="newer"):
        Conversations(chats)


@pytest.fixture(scope="module")
def made_documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with twelve documents in one collection."""
    home = tmp_path_factory.mktemp("documents") / "home"
    settings = load_settings(home=home, embedder=EMBEDDER)
    folder = settings.folder("uploads", "pets")
    for number in range(12):
        (folder / f"{number}.txt").write_text(f"Animal {number} eats hay. " * 40, "utf-8")
    ingest([folder], "pets", settings)
    close_client(settings)
    _empty_log(home / "index.db")
    return home


@pytest.mark.parametrize("damage", ["page", "garbage"])
def test_documents_are_read_again_where_their_passages_are_lost(
    damage: str, made_documents: Path, settings: Settings
) -> None:
    shutil.copytree(made_documents, settings.home, dirs_exist_ok=True)
    settings = load_settings(embedder=EMBEDDER)
    before = open_collection(settings, "pets").count()
    index = settings.home / "index.db"
    size = index.stat().st_size
    overwrite(index, *((size // 2, 9000) if damage == "page" else (0, size)))
    assert broken(settings) == ["Documents"]
    done = repair()
    assert list(index.parent.glob("index.db.damaged-*")) and broken(settings) == []
    if damage == "garbage":
        assert any("--collection pets" in what for what in done["lost"])
        return
    assert done["lost"] == [] and open_collection(settings, "pets").count() == before


def test_files_of_json_are_kept_aside(settings: Settings) -> None:
    home = settings.folder()
    for name in ("presets.json", "routing.json", "jobs/1/job.json", "runs/a/card.json"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"half', "utf-8")
    (home / "runs/a/run.toml").write_text("a = [", "utf-8")
    assert broken(settings) == ["File"] * 5
    done = repair()
    assert len(done["lost"]) == 4 and len(done["repaired"]) == 1
    assert len(list(home.rglob("*.damaged-*"))) == 5 and broken(settings) == []
    shutil.rmtree(home)
    assert repair() == {"repaired": [], "lost": []}, "an empty workspace"
