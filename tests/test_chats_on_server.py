"""Chats in a PostgreSQL server: apart from each other, moved without loss, and back after its end."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from database_servers import PASSWORD, READER, Server, postgresql
from fastapi.testclient import TestClient
from pydantic import SecretStr

from agents.api.app import make_app
from agents.api.keys import create_key, list_keys, revoke_key
from workbench.accounts import (
    check_password,
    has_accounts,
    passwords,
    settings_in,
)
from workbench.accounts.audit import list_audit
from workbench.accounts.groups import add_group, join
from workbench.accounts.people import add_person, existing, list_people
from workbench.accounts.removing import remove_person
from workbench.accounts.signing_in import WrongPassword
from workbench.accounts.throttle import TooOften
from workbench.chat.conversations import Conversations
from workbench.chat.database import REVISIONS, STORE
from workbench.chat.events import Done, Event, Token
from workbench.chat.judged import read_judged
from workbench.chat.owners import LOST_AFTER, name_of_this
from workbench.chat.reroutes import read_reroutes, state_of_judgements
from workbench.chat.streams import Stream
from workbench.cli import workbench
from workbench.errors import Conflict, Damaged, Unavailable, Unwritable, WorkbenchError
from workbench.settings import Settings, load_settings
from workbench.storage import revisions
from workbench.storage.connecting import changed, connect, exists
from workbench.storage.place import Place, Schema, held_in
from workbench.storage.postgresql import schemas_of, transaction

WAIT = 20  # seconds, at most
NUMBERS = count(1)
WORDS = "four words without sense"


@pytest.fixture(scope="module")
def server(postgresql_server: Server) -> Server:
    return postgresql_server


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of a millisecond."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)


@pytest.fixture
def on_server(server: Server, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Settings:
    """An empty workspace whose chats lie in an empty database."""
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", new_database(server))
    return load_settings()


def new_database(server: Server) -> str:
    """The address of an empty database."""
    name = f"chats_{next(NUMBERS)}"
    server.run(f"create database {name}")
    return server.url.replace("/shop", f"/{name}")


def run(*words: object, fails: bool = False) -> Any:
    """The JSON lines of a command."""
    done = CliRunner().invoke(workbench, [*map(str, words), "--json"])
    assert (done.exit_code == 1) == fails, done.output
    assert PASSWORD not in done.output + repr(done.exception)
    return [json.loads(line) for line in done.stdout.splitlines()]


def fill(place: Place, name: str) -> Conversations:
    """A chat with a corrected answer, a vote and a question that went elsewhere."""
    conversations = Conversations(place)
    chat = conversations.create(name)
    question = conversations.add(chat, "user", f"How high is {name}? 灯塔")
    answers = [conversations.add(chat, "assistant", text) for text in ("left", "right\0")]
    conversations.rate(answers[0], -1, f"{name} is high.")
    conversations.vote(question, answers[1])
    conversations.reroute(f"How high is {name}? 灯塔", "data")
    return conversations


def everything(conversations: Conversations) -> Any:
    chats = conversations.recent()
    return (
        chats,
        [conversations.messages(chat.id) for chat in chats],
        conversations.voted(),
        conversations.rated(),
        read_judged(conversations.place),
        read_reroutes(conversations.place),
    )


def test_judgements_are_the_same_in_both_kinds_of_place(chat_place: Place, tmp_path: Path) -> None:
    conversations = fill(chat_place, "tower")
    [judged] = read_judged(chat_place)
    assert [one.content.rstrip("\0\ufffd") for one in judged.answers] == ["left", "right"]
    assert judged.beaten == {3: {2}} and conversations.rated()[0].correction == "tower is high."
    [reroute] = read_reroutes(chat_place)
    assert (reroute.chosen, reroute.message, len(reroute.answers)) == ("data", 1, 2)
    states = [state_of_judgements(chat_place)]
    for change in (
        lambda: conversations.rate(2, 1),
        lambda: conversations.rate(2, 1, "else"),
        lambda: conversations.vote(1, None),
        lambda: conversations.reroute("b", "tuned"),
        lambda: conversations.reroute("b", "data"),
        lambda: conversations.delete(1),
        lambda: conversations.restore(1),
    ):
        before = changed(chat_place)
        assert state_of_judgements(chat_place) == states[-1]
        change()
        states.append(state_of_judgements(chat_place))
        assert changed(chat_place) >= before
    assert len(set(states)) == len(states) - 1 and states[-1] == states[-3], "it was brought back"


def test_spaces_are_apart_on_the_same_connections(on_server: Settings) -> None:
    home = on_server.home
    names = ["", "anna", "a'; drop schema public --", "b:name", "Ünï", "x" * 90, "x" * 91]
    places = [Schema(on_server.database_url, held_in(home, name)) for name in names]
    places.append(Schema(on_server.database_url, held_in(home / "spaces/people/anna")))
    for number, place in enumerate(places):
        Conversations(place).create(f"chat {number}")
    for _ in range(8):  # statements are prepared on the server by then
        for number, place in enumerate(places):
            assert [one.title for one in Conversations(place).recent()] == [f"chat {number}"]
    assert {place.held for place in places} == schemas_of(on_server.database_url).keys()
    assert len({place.name for place in places}) == len(places) == 8
    assert all(len(place.name.encode()) < 64 for place in places)


@contextmanager
def killed_and_started(server: Server) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Ways to kill the server as a loss of power does, and to start it again."""
    folder = Path(server.run("show data_directory")[0][0])
    process = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    command, account, cwd = process.cmdline(), process.username(), process.cwd()
    again: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        for one in (process, *process.children()):
            with suppress(psutil.NoSuchProcess):
                one.kill()
        until(lambda: process.status() == psutil.STATUS_ZOMBIE)

    def start() -> None:
        for left in (folder / "postmaster.pid", *folder.parent.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)
        become = {"user": account} if os.geteuid() == 0 else {}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        again.append(subprocess.Popen(command, cwd=cwd, **quiet, **become))

    try:
        yield kill, start
    finally:
        for started in again:
            children = psutil.Process(started.pid).children()
            for one in (started, *children):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            started.wait()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_no_answer_or_rating_is_lost_or_doubled_where_the_server_is_killed() -> None:
    with postgresql() as own, killed_and_started(own) as (kill, start):
        place = Schema(SecretStr(own.url), "main")
        conversations = fill(place, "tower")
        chat = conversations.create("grows")
        answer = conversations.add(chat, "assistant", "", state="streaming", owner=name_of_this())
        gone, back = threading.Event(), threading.Event()

        def words() -> Iterator[Event]:
            yield Token("before ")
            time.sleep(0.4)
            yield Token("stored ")
            gone.wait(WAIT)
            for _ in range(3):
                time.sleep(0.4)
                yield Token("meanwhile ")
            back.wait(WAIT)
            yield Done("slow", 1.0)

        stream = Stream(conversations, answer, words)
        until(lambda: conversations.message(answer).content == "before stored ")
        kill()
        gone.set()
        with pytest.raises(Unavailable, match="cannot be used") as failure:
            conversations.rate(2, 1)
        assert "WORKBENCH_DATABASE_URL" in failure.value.fix
        assert PASSWORD not in str(failure.value) + repr(failure.value.__cause__)
        back.set()
        assert stream.ended.wait(WAIT) and stream.state == "done" and stream.unsaved
        start()
        until(lambda: not stream.unsaved)
        stored = conversations.message(answer)
        assert (stored.content, stored.state) == ("before stored " + "meanwhile " * 3, "done")
        conversations.rate(2, 1, "tower is high.")
        assert [one.title for one in conversations.recent()] == ["grows", "tower"]
        assert [one.rating for one in conversations.messages(1)] == [0, 1, 0]
        assert len(conversations.voted()) == 1 and len(conversations.messages(chat)) == 1


WRITER = """
import sys
from workbench.chat.conversations import Conversations
from workbench.settings import load_settings
conversations = Conversations(load_settings().database)
if not conversations.recent():
    conversations.create(sys.argv[1])
for number in range(20):
    conversations.add(1, "user", f"{sys.argv[1]} {number}")
"""


def test_two_processes_make_the_tables_at_once_and_write_into_one_chat(on_server: Settings) -> None:
    begin = [
        subprocess.Popen([sys.executable, "-c", WRITER, name], stderr=subprocess.PIPE)
        for name in ("left", "right")
    ]
    for process in begin:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()
    conversations = Conversations(on_server.database)
    texts = [message.content for message in conversations.messages(1)]
    assert len(texts) == len(set(texts)) == 40, "one path: each hangs on the one before"
    assert schemas_of(on_server.database_url).keys() == {"main"}


def test_chats_move_to_the_server_and_back_without_loss(on_server: Settings) -> None:
    home = on_server.home
    spaces = {
        "": on_server.database_file,
        "spaces/people/张三/": home / "spaces/people/张三/workbench.db",
        "spaces/groups/g/people/b/": home / "spaces/groups/g/people/b/workbench.db",
    }
    for name, path in spaces.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        STORE.make(path, 6)  # as the version before servers wrote it
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(
                "insert into conversations (title, created, updated, origin) values (?, 1, 1, ?)",
                (f"old {name}", name),
            )
        fill(path, f"tower {name}")
    before = {name: everything(Conversations(path)) for name, path in spaces.items()}
    moved = {one["file"]: one for one in run("chats", "move", "--to", "server")}
    assert moved.keys() == {f"{name}workbench.db" for name in spaces}
    rows = {"conversations": 2, "messages": 3, "votes": 1, "reroutes": 1}
    assert all(one["rows"] == rows for one in moved.values())
    found = schemas_of(on_server.database_url)
    assert found.keys() == {"main", "people/张三", "groups/g/people/b"}
    for name, held in zip(spaces, ("main", "people/张三", "groups/g/people/b"), strict=True):
        there = Conversations(found[held])
        assert str(everything(there)) == str(before[name]).replace("\\x00", "\ufffd")
        assert [one.title for one in there.recent("灯塔")] == [f"tower {name}".strip()]
        assert there.create("next") == 3, "numbers go on"
    [refused] = run("chats", "move", "--to", "server", fails=True)
    assert "already" in refused["problem"] and "--replace" in refused["fix"]
    assert len(Conversations(found["main"]).recent()) == 3, "nothing was changed"

    [refused] = run("chats", "move", "--to", "files", fails=True)
    assert "exists" in refused["problem"]
    back = {one["file"]: one for one in run("chats", "move", "--to", "files", "--replace")}
    assert back.keys() == moved.keys() and all(one["aside"] for one in back.values())
    assert back["workbench.db"]["rows"]["conversations"] == 3
    kept = Conversations(on_server.database_file)
    assert str(everything(kept)) == str(everything(Conversations(found["main"])))
    aside = on_server.database_file.with_name(back["workbench.db"]["aside"])
    assert str(everything(Conversations(aside))) == str(before[""])

    again = run("chats", "move", "--to", "server", "--replace")
    assert {one["aside"][:10] for one in again} == {"workbench_"}
    assert len(Conversations(found["main"]).recent()) == 3


def test_a_move_that_breaks_off_leaves_the_server_as_it_was(on_server: Settings) -> None:
    fill(on_server.database, "kept")
    fill(on_server.database_file, "of the file")
    with closing(sqlite3.connect(on_server.database_file)) as database, database:
        database.execute("update messages set rating = 'much'")  # no number: SQLite takes it
    failed = CliRunner().invoke(workbench, ["chats", "move", "--to", "server", "--replace"])
    assert failed.exit_code == 1
    assert [one.title for one in Conversations(on_server.database).recent()] == ["kept"]
    assert schemas_of(on_server.database_url).keys() == {"main"}


def test_a_backup_holds_the_servers_chats_and_puts_them_back(
    on_server: Settings, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (on_server.home / "data").mkdir()
    for person in ("", "anna"):
        fill(on_server.model_copy(update={"person": person}).database, person or "all")
    file = tmp_path / "backup.zip"
    [*_, done] = run("backup", file)
    newest = STORE.newest
    assert done["databases"] == {"workbench.db": newest, "people/anna/workbench.db": newest}
    before = everything(Conversations(on_server.database))
    Conversations(on_server.database).create("later")
    [*_, refused] = run("restore", file, "--replace", "--into", tmp_path / "a")[-1:]
    assert any("are kept as workbench_main_" in one for one in refused["told"])
    assert str(everything(Conversations(on_server.database))) == str(before)
    [refused] = run("restore", file, "--into", tmp_path / "b", fails=True)
    assert "already" in refused["problem"] and not (tmp_path / "b").exists()
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", new_database(server))
    run("restore", file, "--into", tmp_path / "c")
    there = load_settings(home=tmp_path / "c")
    assert str(everything(Conversations(there.database))) == str(before)
    monkeypatch.delenv("WORKBENCH_DATABASE_URL")
    run("restore", file, "--into", tmp_path / "d")
    assert str(everything(Conversations(tmp_path / "d/workbench.db"))) == str(before)


def make_schema(schema: Schema, revision: str) -> None:
    """A schema as an older version of the program made it."""
    from alembic import command

    with transaction(schema) as database:
        revisions._make(database, schema)
        command.upgrade(revisions._config(REVISIONS, database.connection, schema), revision)


def test_an_older_schema_is_upgraded_after_a_backup_and_a_newer_one_refused(
    on_server: Settings, tmp_path: Path
) -> None:
    (on_server.home / "data").mkdir()
    place = on_server.database
    assert isinstance(place, Schema) and not exists(place)
    make_schema(place, "6")
    with connect(place) as database:
        database.execute(
            "insert into conversations (title, created, updated, origin) values ('a', 1, 1, 'a')"
        )
    [*_, done] = run("upgrade", "--backup", tmp_path / "before.zip")
    [row] = done["databases"]
    assert (row["before"], row["now"]) == (6, STORE.newest)
    assert run("upgrade")[-1]["backup"] == ""
    run("restore", tmp_path / "before.zip", "--into", tmp_path / "back", "--replace")
    assert STORE.version_of(tmp_path / "back/workbench.db") == STORE.newest
    assert [one.title for one in Conversations(place).recent()] == ["a"]
    with connect(place) as database:
        database.execute("update alembic_version set version_num = '99'")
    revisions._forget(place)
    for refused in (run("upgrade", fails=True), run("chats", "list", fails=True)):
        assert "newer" in refused[-1]["problem"]
    with pytest.raises(Conflict, match="newer"):
        Conversations(place)


def test_only_answers_of_ended_processes_are_marked(chat_place: Place) -> None:
    conversations = Conversations(chat_place)
    chat = conversations.create("a")
    this = name_of_this()
    _, process, begun = this.rsplit("/", 2)
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    alive = psutil.Process(sleeper.pid).create_time()
    here, away = socket.gethostname(), "another-machine"
    owners = {
        this: "streaming",
        f"{here}/{sleeper.pid}/{alive:.2f}": "streaming",
        f"{here}/{sleeper.pid}/{alive - 60:.2f}": "interrupted",  # the number was given again
        f"{here}/999999999/1.0": "interrupted",
        f"{away}/{process}/{begun}": "streaming",
        f"{away}/lost/{begun}": "interrupted",
        "7-1700000000": "interrupted",  # of an older version
    }
    try:
        made = {
            owner: conversations.add(chat, "assistant", "", state="streaming", owner=owner)
            for owner in owners
        }
        with connect(chat_place) as database:
            values = {"then": time.time() - LOST_AFTER - 1, "id": made[f"{away}/lost/{begun}"]}
            database.execute("update messages set saved = :then where id = :id", values)
        conversations.interrupt_others(this)
    finally:
        sleeper.kill()
        sleeper.wait()
    assert {owner: conversations.message(made[owner]).state for owner in owners} == owners


def test_an_answer_is_stopped_and_marked_by_itself(chat_place: Place) -> None:
    conversations = Conversations(chat_place)
    chat = conversations.create("a")
    lost, stopped = (
        conversations.add(chat, "assistant", "", state="streaming", owner=owner)
        for owner in ("999999999/1.0", name_of_this())
    )
    conversations.interrupt_others(name_of_this(), stopped)
    assert conversations.save(lost, [Token("one")], "streaming")
    conversations.interrupt_others(name_of_this(), lost)
    assert conversations.save(stopped, [Token("one")], "streaming")
    conversations.stop(stopped)
    assert not conversations.save(stopped, [Token("one two")], "streaming")
    conversations.stop(lost)
    found = [conversations.message(one) for one in (lost, stopped)]
    assert [(one.state, one.content) for one in found] == [
        ("interrupted", "one"),
        ("stopped", "one"),
    ]


def test_a_user_without_rights_searches_without_the_index_and_is_told_what_fails(
    on_server: Settings, server: Server
) -> None:
    server.run("create role plain login password 'pl41n'")
    address = on_server.database_url.get_secret_value()
    at = SecretStr(address.replace(f"{READER}:{PASSWORD}", "plain:pl41n"))
    with pytest.raises(Unwritable, match="permission denied"):
        Conversations(Schema(at, "main"))
    # an administrator can make the schema for who may not
    with transaction(Schema(on_server.database_url, "main")) as database:
        database.execute("create schema workbench_main authorization plain")
    conversations = fill(Schema(at, "main"), "tower")
    assert len(conversations.recent("TOWER")) == len(conversations.recent("灯")) == 1
    indexes = "select count(*) from pg_indexes where indexname = 'messages_by_text'"
    with connect(conversations.place) as database:
        assert database.execute(indexes).fetchone()[0] == 0
        database.execute("drop table votes")
    with pytest.raises(Damaged) as failure:
        conversations.votes()
    assert "backup" in failure.value.fix and "repair" not in failure.value.fix
    with connect(
        fill(on_server.model_copy(update={"person": "b"}).database, "b").place
    ) as database:
        assert database.execute(indexes).fetchone()[0] == 1


def test_accounts_lie_on_the_server_with_the_chats(on_server: Settings) -> None:
    add_person(on_server, "Ada", WORDS)
    add_person(on_server, "Ben", WORDS)
    add_group(on_server, "sales")
    join(on_server, "sales", "Ben")
    assert has_accounts(on_server) and not (on_server.home / "accounts.db").exists()
    assert [(one.name, one.role) for one in list_people(on_server)] == [
        ("Ada", "admin"),
        ("Ben", "editor"),
    ]
    with pytest.raises(Conflict):
        add_person(on_server, "ben", WORDS)
    assert check_password(on_server, "Ada", WORDS).name == "Ada"
    with ThreadPoolExecutor(8) as many:
        tried = [many.submit(check_password, on_server, "Ada", "wrong") for _ in range(8)]
    kinds = {type(one.exception()) for one in tried}
    assert kinds == {WrongPassword, TooOften}, "those at once are no more than one after another"
    assert {"person_added", "group_joined"} <= {one.what for one in list_audit(on_server)}

    ben = existing(on_server, "Ben")
    for space in ("", "sales"):
        Conversations(settings_in(on_server, ben, space).database).create("secret")
    remove_person(on_server, "Ben")
    add_person(on_server, "Ben", WORDS)
    join(on_server, "sales", "Ben")
    again = existing(on_server, "Ben")
    for space in ("", "sales"):
        assert not Conversations(settings_in(on_server, again, space).database).recent()


def test_every_server_of_a_team_knows_a_key_and_that_it_is_revoked(
    on_server: Settings, tmp_path: Path
) -> None:
    other = load_settings(home=tmp_path / "other server")
    add_person(on_server, "Ada", WORDS)
    key = create_key(on_server, "phone", ["chat"], user="Ada")
    header = {"authorization": f"Bearer {key}"}

    def answers() -> list[int]:
        return [client.get("/v1/models").status_code for client in clients]

    with ExitStack() as stack:
        clients = [
            stack.enter_context(
                TestClient(make_app(root), base_url="http://127.0.0.1", headers=header)
            )
            for root in (on_server, other)
        ]
        assert answers() == [200, 200]
        with pytest.raises(Conflict):
            create_key(other, "phone", ["chat"], user="Ada")
        revoke_key(other, "phone", "Ada")
        assert answers() == [401, 401]


def test_accounts_of_a_file_count_until_they_are_moved_and_a_lost_server_opens_nothing(
    on_server: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_file = on_server.model_copy(update={"database_url": SecretStr("")})
    add_person(in_file, "Ada", WORDS)
    create_key(in_file, "phone", ["chat", "jobs"], user="Ada")
    assert has_accounts(on_server) and existing(on_server, "Ada").role == "admin"
    [moved] = run("chats", "move", "--to", "server")
    assert (moved["file"], moved["rows"]["people"]) == ("accounts.db", 1)
    assert [key.scopes for key in list_keys(on_server)] == [("chat", "jobs")]
    (on_server.home / "accounts.db").unlink()
    assert check_password(on_server, "Ada", WORDS).role == "admin"
    add_person(on_server, "Ben", WORDS)
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", server.url.replace("/shop", "/gone"))
    with pytest.raises(Unavailable):
        has_accounts(load_settings())
    assert run("users", "list", fails=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((PASSWORD, "wrong-" + PASSWORD), "password authentication"),
        (("/shop", "/nothing"), "does not exist"),
        (("127.0.0.1:", "127.0.0.1:1"), "cannot be used"),
        (("/shop", ""), "database_url"),
        (("postgresql", "mysql"), "database_url"),
    ],
    ids=["password", "database", "port", "no database", "no PostgreSQL"],
)
def test_an_address_that_does_not_fit_is_told_without_its_password(
    change: tuple[str, str],
    problem: str,
    server: Server,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = server.url.replace(*change)
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", url)
    [failed] = run("chats", "list", fails=True)
    assert failed["fix"]
    assert problem in failed["problem"]


def test_the_address_is_shown_nowhere(
    server: Server, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = settings.model_copy(update={"database_url": SecretStr(server.url)})
    place = shown.database
    for text in (repr(shown), str(shown), repr(place), str(place), shown.model_dump_json()):
        assert PASSWORD not in text
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text(f'database_url = "{server.url}"', "utf-8")
    with pytest.raises(WorkbenchError, match="holds a secret") as failure:
        load_settings()
    assert PASSWORD not in str(failure.value)
