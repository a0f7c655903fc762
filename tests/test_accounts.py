"""Who signs in works in a space of their own, and only with the right password."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from fake_jobs import running_job

from agents.api.keys import FILE, Key, create_key, list_keys, revoke_key
from workbench.accounts import audit as audits
from workbench.accounts import (
    check_password,
    find_person,
    has_accounts,
    passwords,
    quotas,
    settings_in,
    signing_in,
    spaces_of,
    throttle,
)
from workbench.accounts.audit import list_audit
from workbench.accounts.database import STORE, changing
from workbench.accounts.groups import add_group, join, leave, list_groups
from workbench.accounts.people import (
    Quota,
    add_person,
    change_quota,
    change_role,
    disable,
    enable,
    existing,
    list_people,
)
from workbench.accounts.quotas import UsedUp, take_answer
from workbench.accounts.removing import remove_group, remove_person
from workbench.accounts.signing_in import (
    WrongPassword,
    change_own_password,
    end_sessions,
    set_password,
)
from workbench.accounts.spaces import first_space
from workbench.accounts.throttle import TooOften
from workbench.chat.conversations import Conversations
from workbench.cli import workbench
from workbench.connections import change_connections
from workbench.errors import Conflict, InvalidInput, NotFound, Unwritable, WorkbenchError
from workbench.room import check_room
from workbench.settings import Settings, load_settings
from workbench.start.repair import mend
from workbench.start.spaces import check_accounts

PASSWORD = "four words without sense"
OTHER = "another four such words"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of a millisecond; one test looks at the real ones."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)


@pytest.fixture
def root(settings: Settings) -> Settings:
    """A workspace in which Ada is an admin, Ben an editor, and Cem a reader."""
    add_person(settings, "Ada", PASSWORD)
    add_person(settings, "Ben", PASSWORD)
    add_person(settings, "Cem", None, "reader")
    return settings


@pytest.mark.parametrize(
    "name", ["ada", "张伟", "ana.lópez", "a", "x@y.example", "José+1", "_", "ห้อง"]
)
def test_a_name_is_one_of_any_script(name: str, settings: Settings) -> None:
    person = add_person(settings, name, None)
    assert settings_in(settings, person).folder().is_dir()
    with pytest.raises(Conflict):
        add_person(settings, name.upper(), None)


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", "a/b", "a\\b", "../x", "a b", "a.", ".a", "a\0b", "a\nb", "／a", "CON"]
    + ["nul.txt", "-x", "x" * 61, "a:b", "*", "~", "a\ud800"],
)
def test_a_name_that_is_no_folder_is_refused(name: str, settings: Settings) -> None:
    for add in (lambda: add_person(settings, name, None), lambda: add_group(settings, name)):
        with pytest.raises(InvalidInput, match="cannot name"):
            add()
    assert not has_accounts(settings), "nothing is made for it"


def test_the_first_is_an_admin_and_one_always_stays(settings: Settings) -> None:
    assert not has_accounts(settings) and find_person(settings, "Ada") is None
    with pytest.raises(InvalidInput, match="admin"):
        add_person(settings, "Ada", PASSWORD, "reader")
    assert add_person(settings, "Ada", PASSWORD).role == "admin"
    assert add_person(settings, "Ben", PASSWORD).role == "editor"
    ways: list[Callable[[], Any]] = [
        lambda: disable(settings, "ada"),
        lambda: change_role(settings, "ada", "editor"),
        lambda: remove_person(settings, "ada"),
    ]
    for way in ways:
        with pytest.raises(Conflict, match="nobody who manages"):
            way()
        assert find_person(settings, "ADA") == existing(settings, "Ada")
        assert not existing(settings, "Ada").disabled
    change_role(settings, "Ben", "admin")
    change_role(settings, "Ada", "reader")
    assert [person.role for person in list_people(settings)] == ["reader", "admin"]


@pytest.mark.parametrize("password", ["", "short", "aaaabbbbaaaa", "my ben 1234", "x" * 1001])
def test_a_weak_password_is_refused(password: str, root: Settings) -> None:
    with pytest.raises(InvalidInput):
        set_password(root, "Ben", password)
    assert check_password(root, "Ben", PASSWORD)


def test_a_password_is_kept_as_a_hash_of_todays_parameters(
    root: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_password(root, "ben", PASSWORD).signed_in > 0
    files = b"".join(path.read_bytes() for path in root.home.glob("accounts.db*"))
    assert PASSWORD.encode() not in files and b"m=8,t=1" in files
    monkeypatch.undo()  # the real parameters
    before = existing(root, "Ben").session_epoch
    assert check_password(root, "Ben", PASSWORD).session_epoch == before, "sessions go on"
    files = b"".join(path.read_bytes() for path in root.home.glob("accounts.db*"))
    assert b"m=65536,t=3,p=4" in files


def test_it_is_not_told_what_was_wrong(root: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    verify = passwords.is_right

    def counted(password: str, kept: str) -> bool:
        tried.append(password)
        return verify(password, kept)

    monkeypatch.setattr(signing_in, "is_right", counted)
    said = set()
    for name in ("Ben", "nobody", "Cem", "", "x" * 10_000, "\ud800\0"):
        with pytest.raises(WrongPassword) as wrong:
            check_password(root, name, OTHER)
        said.add((wrong.value.problem, wrong.value.fix))
    assert len(said) == 1 and len(tried) == 6, "each takes the work of one hash"
    disable(root, "Ben")
    with pytest.raises(WrongPassword):
        check_password(root, "Ben", OTHER)
    with pytest.raises(InvalidInput, match="disabled"):
        check_password(root, "Ben", PASSWORD)
    enable(root, "Ben")
    assert check_password(root, "Ben", PASSWORD)
    failed = list_audit(root, what="sign_in_failed")
    assert {entry.who for entry in failed} == {"Ben", "Cem", ""}, "names that exist alone"


def test_wrong_passwords_have_to_wait(root: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(throttle.time, "time", lambda: now[0])

    def wait_of(name: str) -> int:
        try:
            throttle.take_try(root, name)
        except TooOften as error:
            assert str(error.seconds) in error.fix
            return error.seconds
        return 0

    assert [wait_of("Ben") for _ in range(6)] == [0, 0, 0, 0, 0, 2]
    with pytest.raises(TooOften):
        check_password(root, "Ben", PASSWORD)  # also with the right one
    assert list_audit(root, what="sign_in_held")[0].who == "Ben"
    assert check_password(root, "Ada", PASSWORD), "others do not wait"
    waits = []
    for _ in range(10):
        now[0] += throttle.OF_A_NAME.longest
        assert wait_of("ben") == 0
        waits.append(wait_of("Ben"))
    assert waits[:4] == [3, 5, 9, 17] and waits[-1] == 301
    now[0] += throttle.OF_A_NAME.longest
    assert check_password(root, "BEN", PASSWORD) and wait_of("Ben") == 0, "it begins again"
    monkeypatch.setattr(throttle, "IN_ALL", replace(throttle.IN_ALL, free=9))
    tries = [wait_of(f"nobody{number}") for number in range(10)]
    assert tries[0] == 0 and tries[-1] > 0, "in all"
    now[0] += throttle.OF_A_NAME.forgotten + throttle.OF_A_NAME.longest + 1
    wait_of("nobody")
    with changing(root) as database:
        assert database.execute("select count(*) from attempts").fetchone()[0] == 2


def test_many_tries_at_once_are_no_more_than_one_after_another(
    root: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def looked(given: str, kept: str) -> bool:
        looked_at.append(given)
        return False

    monkeypatch.setattr(signing_in, "is_right", looked)

    def attempt() -> None:
        with pytest.raises(WorkbenchError):
            check_password(root, "Ben", OTHER)

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == throttle.OF_A_NAME.free


def test_sessions_end_with_what_they_rest_on(root: Settings) -> None:
    seen = {existing(root, "Ben").session_epoch}
    ways: list[Callable[[], Any]] = [
        lambda: set_password(root, "Ben", OTHER),
        lambda: change_own_password(root, "Ben", OTHER, PASSWORD),
        lambda: end_sessions(root, "Ben"),
        lambda: disable(root, "Ben"),
        lambda: (remove_person(root, "Ben"), add_person(root, "Ben", PASSWORD)),
    ]
    for number, way in enumerate(ways, 2):
        way()
        seen.add(existing(root, "Ben").session_epoch)
        assert len(seen) == number
    with pytest.raises(WrongPassword):
        change_own_password(root, "Ben", OTHER, PASSWORD)


# role of the person, role in the group -> role in the group's space
LOWER = [
    ("reader", "editor", "reader"),
    ("editor", "reader", "reader"),
    ("editor", "editor", "editor"),
    ("admin", "editor", "editor"),
]


@pytest.mark.parametrize(("own", "inside", "counts"), LOWER)
def test_the_lower_role_counts_in_a_group(
    own: Any, inside: str, counts: str, root: Settings
) -> None:
    person = add_person(root, "Dan", None, own)
    add_group(root, "sales")
    with pytest.raises(NotFound) as unknown:
        settings_in(root, person, "sales")
    join(root, "Sales", "dan", inside)
    person = existing(root, "Dan")
    shared = settings_in(root, person, "sales", temperature=0.5)
    assert (shared.role, shared.person, shared.temperature) == (counts, "Dan", 0.5)
    assert shared.home == root.home / "spaces/groups/sales"
    alone = settings_in(root, person)
    assert (alone.home, alone.person) == (root.home / "spaces/people/Dan", "")
    assert alone.role == own
    leave(root, "sales", "Dan")
    with pytest.raises(NotFound) as left:
        settings_in(root, existing(root, "Dan"), "sales")
    assert str(left.value) == str(unknown.value), "no space of others is told from none"


def test_spaces_are_ones_own_the_groups_and_main_for_admins(root: Settings) -> None:
    add_group(root, "sales")
    for name in ("main", "Main", "SALES"):
        with pytest.raises(Conflict):
            add_group(root, name)
    join(root, "sales", "Ada")
    ada, ben = existing(root, "Ada"), existing(root, "Ben")
    assert [space.kind for space in spaces_of(root, ada)] == ["own", "group", "main"]
    assert [space.kind for space in spaces_of(root, ben)] == ["own"]
    main = settings_in(root, ada, "main")
    assert (main.home, main.role) == (root.home, "admin")
    change_quota(root, "Ada", replace(ada.quota, answers_at_once=5))
    limits = [settings_in(root, existing(root, name)).answers_per_person for name in ("Ada", "Ben")]
    assert limits == [5, 2], "one's own, wherever one works"
    for space in ("main", "sales", "Ada", "../Ada", "..", "people/Ada", "nowhere"):
        with pytest.raises(NotFound):
            settings_in(root, ben, space)
    join(root, "sales", "Ben", "reader")
    for name in ("Ada", "Ben"):
        shared = settings_in(root, existing(root, name), "sales")
        Conversations(shared.database).create(f"of {name}")
    assert [chat.title for chat in Conversations(shared.database).recent()] == ["of Ben"]
    with pytest.raises(InvalidInput, match="in a group"):
        join(root, "sales", "Ben", "admin")
    disable(root, "Ben")
    with pytest.raises(InvalidInput, match="disabled"):
        settings_in(root, existing(root, "Ben"))


def test_the_chats_of_before_are_the_first_persons(settings: Settings) -> None:
    Conversations(settings.database).create("before")
    ada = add_person(settings, "Ada", None)
    ben = add_person(settings, "Ben", None, "admin")
    found = {
        person.name: Conversations(settings_in(settings, person, "main").database).recent()
        for person in (ada, ben)
    }
    assert [chat.title for chat in found["Ada"]] == ["before"] and found["Ben"] == []


def test_each_begins_where_there_is_something_for_them(root: Settings) -> None:
    add_person(root, "Rita", None, "reader")
    add_group(root, "sales")
    begins = {name: first_space(existing(root, name)) for name in ("Ada", "Ben", "Rita")}
    assert begins == {"Ada": "main", "Ben": "", "Rita": ""}
    for name in begins:
        join(root, "sales", name)
    assert [first_space(existing(root, name)) for name in begins] == ["main", "", "sales"]


def test_an_ollama_server_can_be_a_spaces_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, own = "http://main:11434", "http://own:11434"
    ada = add_person(settings, "Ada", None)

    def connect(home: Path, host: str) -> None:
        change_connections(home, lambda now: now.model_copy(update={"ollama_host": host}))

    connect(settings.home, main)
    assert settings_in(load_settings(), ada).ollama_host == main, "as long as none is its own"
    connect(settings_in(load_settings(), ada).folder(), own)
    assert settings_in(load_settings(), ada).ollama_host == own
    assert settings_in(load_settings(), ada, "main").ollama_host == main
    monkeypatch.setenv("WORKBENCH_OLLAMA_HOST", "http://set:11434")
    assert settings_in(load_settings(), ada).ollama_host == "http://set:11434"


def test_who_is_removed_leaves_nothing_to_a_later_namesake(root: Settings) -> None:
    add_group(root, "sales")
    join(root, "sales", "Ben")
    ben = existing(root, "Ben")
    for space in spaces_of(root, ben):
        Conversations(settings_in(root, ben, space.name).database).create("secret")
    create_key(root, "phone", ["chat"], user="Ben")
    busy = running_job(settings_in(root, ben), "busy", ["rag"])
    with busy, pytest.raises(Conflict, match="still running"):
        remove_person(root, "Ben")
    moved = remove_person(root, "Ben")
    assert moved and sorted(path.name for path in moved.iterdir()) == ["group-sales", "own"]
    assert (moved / "own/workbench.db").exists() and moved.parent == root.home / "removed"
    with pytest.raises(NotFound):
        existing(root, "Ben")
    again = add_person(root, "Ben", PASSWORD)
    assert again.groups == {} and spaces_of(root, again)[1:] == []
    join(root, "sales", "Ben")
    for space in spaces_of(root, existing(root, "Ben")):
        found = settings_in(root, existing(root, "Ben"), space.name)
        assert Conversations(found.database).recent() == []
    assert list_keys(root, "Ben") == []
    moved = remove_group(root, "sales")
    assert moved and (moved / "group/people/Ben/workbench.db").exists()
    assert list_groups(root) == [] and existing(root, "Ben").groups == {}
    assert remove_person(root, "Cem") is None, "who has made nothing"


def test_answers_of_a_day_are_counted_also_at_once(
    root: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_answer(root, existing(root, "Ben"))
    change_quota(root, "Ben", Quota(answers_a_day=3, megabytes=1))
    ben = existing(root, "Ben")
    results: list[str] = []

    def ask() -> None:
        try:
            take_answer(root, ben)
            results.append("answered")
        except UsedUp as error:
            assert 0 < error.seconds <= 86_400
            results.append("used up")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("answered") == 3 and quotas.answers_today(root) == {"Ben": 3}
    space = settings_in(root, ben)
    (space.folder() / "big").write_bytes(bytes(900_000))
    check_room(space, 100_000)
    with pytest.raises(Unwritable, match="1 MB is full"):
        check_room(space, 100_001)
    with pytest.raises(InvalidInput):
        change_quota(root, "Ben", replace(ben.quota, megabytes=-1))


def test_repair_and_doctor_look_into_accounts_and_spaces(root: Settings) -> None:
    ben = settings_in(root, existing(root, "Ben"))
    Conversations(ben.database).create("kept")
    broken = [finding for finding in check_accounts(root) if finding.state == "broken"]
    assert broken == [] and mend(root) == []
    for path in (root.home / "accounts.db", ben.folder() / "workbench.db"):
        with closing(sqlite3.connect(path)) as database:
            database.execute("pragma journal_mode = delete")
        with path.open("r+b") as file:
            file.seek(3 * 4096)
            file.write(b"\xff" * 200)
    (ben.folder() / "connections.json").write_text("{")
    found = [finding.detail for finding in check_accounts(root) if finding.state == "broken"]
    assert any(detail.startswith("spaces/people/Ben: ") for detail in found), found
    done = "\n".join(mended.what for mended in mend(root))
    assert "accounts.db: " in done and "spaces/people/Ben: connections.json" in done
    assert has_accounts(root), "it is not open afterwards"
    assert list_people(root) and mend(root) == []


def test_keys_in_the_file_of_an_older_version_are_still_theirs(root: Settings) -> None:
    old = Key("phone", "0" * 64, ("chat",), time.time(), user="Ben")
    of_nobody = Key("script", "1" * 64, ("chat",), time.time())
    path = root.folder() / FILE
    path.write_text(json.dumps([asdict(old), asdict(of_nobody)]))
    create_key(root, "tablet", ["chat"], user="Ben")
    assert [key.name for key in list_keys(root)] == ["phone", "script", "tablet"]
    assert [key.name for key in list_keys(root, "Ben")] == ["phone", "tablet"]
    for name in ("phone", "tablet"):
        with pytest.raises(Conflict):
            create_key(root, name, ["chat"], user="Ben")
    for name, user in (("phone", "Ben"), ("script", ""), ("tablet", "Ben")):
        revoke_key(root, name, user, by="Ada")
        with pytest.raises(NotFound):
            revoke_key(root, name, user)
    assert list_keys(root) == []
    told = [(one.who, one.about) for one in list_audit(root, what="key_revoked")]
    assert told == [("Ada", "tablet Ben"), ("Ada", "script"), ("Ada", "phone Ben")]


def test_accounts_of_an_older_version_are_whole(tmp_path: Path) -> None:
    root = load_settings(home=tmp_path)
    file = root.folder() / STORE.name
    STORE.make(file, 1)
    assert [finding.state for finding in check_accounts(root)] == ["ok"]
    assert mend(root) == []
    add_person(root, "Ada", PASSWORD)
    assert STORE.version_of(file) == STORE.newest


def test_commands_do_the_same(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*words: str, given: str = "") -> Any:
        return CliRunner().invoke(workbench, words, input=given)

    def told(*words: str, given: str = "") -> dict[str, Any]:
        done = run(*words, "--json", given=given)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    made = told("users", "add", "ada", "--generate")
    assert made["role"] == "admin" and check_password(settings, "ada", made["password"])
    told("groups", "add", "sales")
    monkeypatch.setenv("WORKBENCH_PASSWORD", PASSWORD)
    added = told("users", "add", "ben", "--role", "reader", "--group", "sales")
    assert added["groups"] == {"sales": "editor"} and "password" not in added
    monkeypatch.delenv("WORKBENCH_PASSWORD")
    assert check_password(settings, "ben", PASSWORD).name == "ben"
    told("users", "password", "ben", given=f"{OTHER}\n")
    assert check_password(settings, "ben", OTHER)
    assert told("users", "role", "ben", "editor")["role"] == "editor"
    assert told("users", "disable", "ben")["disabled"]
    assert not told("users", "enable", "ben")["disabled"]
    limits = told("users", "quota", "ben", "--answers-a-day", "5")["quota"]
    assert limits == {"answers_at_once": 2, "answers_a_day": 5, "megabytes": 0}
    told("users", "sign-out", "ben")
    told("groups", "join", "sales", "ben", "--role", "reader")
    assert told("groups", "list")["members"] == {"ben": "reader"}
    told("groups", "leave", "sales", "ben")
    rows = [json.loads(line) for line in run("users", "list", "--json").stdout.splitlines()]
    assert [row["name"] for row in rows] == ["ada", "ben"]
    assert "argon2" not in run("users", "list", "--json").stdout
    refused = run("users", "remove", "ben", "--json")
    assert refused.exit_code == 1 and "--yes" in refused.output
    told("users", "remove", "ben", "--yes")
    told("groups", "remove", "sales", "--yes")
    said = run("users", "audit").stdout
    assert "removed a person  ben" in said and PASSWORD not in said and OTHER not in said
    assert len(said.splitlines()) == len(list_audit(settings))
    for words in (["users", "disable", "eve"], ["groups", "join", "none", "ada"]):
        failed = run(*words)
        assert failed.exit_code == 1 and "Fix:" in failed.output
    space = settings_in(settings, existing(settings, "ada")).folder()
    monkeypatch.setenv("WORKBENCH_HOME", str(space))
    assert "is a space of another" in run("users", "add", "eve", "--generate").output
    monkeypatch.setenv("WORKBENCH_HOME", str(settings.home))
    monkeypatch.setenv("WORKBENCH_ROLE", "editor")
    assert "Only an admin" in run("users", "list").output


def test_the_audit_keeps_the_newest_rows(root: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audits, "KEPT", 5)
    for _ in range(9):
        audits.write_down(root, "Ada", "signed_out")
    assert [entry.what for entry in list_audit(root)] == ["signed_out"] * 5
    assert list_audit(root, who="Ben") == [] and len(list_audit(root, limit=2)) == 2
    with pytest.raises(ValueError, match="made_up"):
        audits.write_down(root, "Ada", "made_up")
