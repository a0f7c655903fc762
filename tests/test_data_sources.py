"""Sources: every kind of database and table file, passwords outside the workspace, plain errors."""

from __future__ import annotations

import json
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from conftest import free_port
from database_servers import PASSWORD, Server
from databases import KINDS, SERVERS, make_sqlite

from agents.databases.database import QueryFailed
from agents.databases.guard.refused import Refused
from agents.databases.introspect import load_schema
from agents.databases.notes import add_pair, describe, load_notes
from agents.databases.runner import ask_database
from agents.databases.sources import add_source, find_source, parse_place
from workbench.cli import workbench
from workbench.errors import Conflict, InvalidInput, NotFound, Stopped, Unavailable
from workbench.settings import Settings, load_settings


@pytest.fixture
def secrets(settings: Settings, tmp_path: Path) -> Path:
    """The secrets file of this test."""
    return tmp_path / "config" / "workbench" / "secrets.json"


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(workbench, ["data", *arguments], input=text)


def last(result: Result) -> dict[str, object]:
    return json.loads(result.stdout.splitlines()[-1])


def test_a_sqlite_file_is_added_asked_and_removed(settings: Settings, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "shop.sqlite")
    assert last(run("add", "shop", str(path), "--json")) == {
        "event": "done",
        "name": "shop",
        "dialect": "sqlite",
        "address": str(path),
        "tables": 2,
        "columns": 7,
        "told": [],
        "can_write": False,
        "powers": [],
        "reader": [],
    }
    assert [json.loads(line)["name"] for line in run("list", "--json").stdout.splitlines()] == [
        "shop"
    ]
    found = last(
        run(
            "run",
            "shop",
            "--sql",
            "select name, price from users join orders on user_id = users.id",
            "--json",
        )
    )
    assert found["columns"] == ["name", "price"]
    assert found["rows"] == [["Ann", 9.5], ["Ann", 20], ["Bo", 5.25]]
    assert found["truncated"] is False
    assert run("remove", "shop", "--yes").exit_code == 0
    assert path.exists() and run("list", "--json").stdout == ""


def test_check_reads_one_statement_a_line_and_answers_in_order(
    settings: Settings, tmp_path: Path
) -> None:
    run("add", "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    statements = ["SELECT name FROM users", "DROP TABLE users", "SELECT", "SELECT nmae FROM users"]
    lines = "\n".join(
        [*(json.dumps({"sql": sql}) for sql in statements), "no json", json.dumps({"sql": 5})]
    )
    shown = run("check", "--stdin", "--dialect", "mysql", "--source", "shop", "--json", text=lines)
    verdicts = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [verdict["allowed"] for verdict in verdicts] == [True, False, False, False, False, False]
    assert verdicts[0]["sql"] == "SELECT `name` FROM `users` LIMIT 10"
    assert all(
        verdict["sql"] is None and verdict["problem"] and verdict["fix"] for verdict in verdicts[1:]
    )
    assert set(verdicts[0]) == {"allowed", "sql", "problem", "fix"}
    assert run("check", "DROP TABLE users", "--source", "shop").exit_code == 1


@pytest.mark.parametrize(
    ("kind", "text"), [("csv", "utf-8"), ("csv", "gb18030"), ("tsv", "utf-8"), ("xlsx", "")]
)
def test_table_files_are_asked_through_duckdb(
    kind: str, text: str, settings: Settings, tmp_path: Path
) -> None:
    import pandas

    frame = pandas.DataFrame({"地区": ["华北", "华南", "华北"], "销量": [3, 4, 5]})
    path = tmp_path / f"销售.{kind}"
    if kind == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="," if kind == "csv" else "\t", encoding=text)
    assert run("add", "sales", str(path)).exit_code == 0
    sql = "select 地区, sum(销量) as 合计 from 销售 group by 地区 order by 合计"
    assert last(run("run", "sales", "--sql", sql, "--json"))["rows"] == [["华南", 4], ["华北", 8]]


def test_a_folder_of_tables_is_one_source_and_follows_its_files(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "users.csv").write_text("id,name\n1,Ann\n")
    duckdb.sql("SELECT 1 AS user_id, 9.5 AS price").write_parquet(str(folder / "orders.parquet"))
    assert last(run("add", "shop", str(folder), "--json"))["tables"] == 2
    join = "select name, price from users join orders on id = user_id"
    assert last(run("run", "shop", "--sql", join, "--json"))["rows"] == [["Ann", 9.5]]
    (folder / "users.csv").write_text("id,name\n1,Anna\n2,Bo\n")
    assert last(run("run", "shop", "--sql", join, "--json"))["rows"] == [["Anna", 9.5]]


def test_a_sources_files_and_the_disk_cannot_be_reached_by_a_query(
    settings: Settings, tmp_path: Path
) -> None:
    """Below the guard DuckDB itself has no way out, and SQLite no way to write."""
    from agents.databases.database import open_session

    (tmp_path / "a.csv").write_text("x\n1\n")
    table_file = add_source(settings, "a", str(tmp_path / "a.csv"))
    lite = add_source(settings, "b", str(make_sqlite(tmp_path / "b.sqlite")))
    for source, sql in (
        (table_file, "SELECT * FROM read_csv('/etc/passwd')"),
        (table_file, f"COPY a TO '{tmp_path}/out.csv'"),
        (table_file, "SET enable_external_access = true"),
        (table_file, "CREATE TABLE y AS SELECT 1"),
        (lite, "DELETE FROM users"),
        (lite, f"ATTACH '{tmp_path}/c.sqlite' AS c"),
    ):
        with (
            pytest.raises((QueryFailed, Unavailable)),
            open_session(source, settings, 5) as session,
        ):
            session.fetch(sql)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("oracle://host/db", InvalidInput),
        ("mysql://host", InvalidInput),
        ("missing.sqlite", NotFound),
        ("mysql://u@h/db?init_command=DROP", InvalidInput),
        ("postgres://u@h/db?options=-c", InvalidInput),
        ("postgres://u@h/db?password=x", InvalidInput),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(
    settings: Settings, place: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        parse_place("name", place, settings)


def test_names_are_checked_and_nothing_is_overwritten(settings: Settings, tmp_path: Path) -> None:
    path = str(make_sqlite(tmp_path / "shop.sqlite"))
    add_source(settings, "shop", path)
    with pytest.raises(Conflict):
        add_source(settings, "shop", path)
    for name in ("", "../up", "a/b", "x" * 65):
        with pytest.raises(InvalidInput):
            add_source(settings, name, path)
    with pytest.raises(NotFound):
        find_source(settings, "../shop")
    (tmp_path / "note.txt").write_text("no table")
    assert run("add", "note", str(tmp_path / "note.txt")).exit_code == 1
    (tmp_path / "broken.sqlite").write_text("this is no database at all, only text")
    assert run("add", "broken", str(tmp_path / "broken.sqlite"), "--json").exit_code == 1
    assert [
        source for source in run("list", "--json").stdout.splitlines() if "broken" in source
    ] == []


@pytest.mark.mariadb
def test_a_password_never_reaches_the_workspace(
    settings: Settings, secrets: Path, mariadb_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run("add", "shop", mariadb_server.url)
    shown_all = shown.output + run("list").output + run("schema", "shop", "--json").output
    run("run", "shop", "--sql", "select 1")
    assert shown.exit_code == 0 and PASSWORD not in shown_all
    for path in settings.home.rglob("*"):
        assert path.is_dir() or PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD in secrets.read_text() and stat.S_IMODE(secrets.stat().st_mode) == 0o600
    before = secrets.read_text()
    secrets.unlink()
    assert run("schema", "shop", "--refresh").exit_code == 1
    monkeypatch.setenv("WORKBENCH_DATA_PASSWORD_SHOP", PASSWORD)
    assert run("schema", "shop", "--refresh").exit_code == 0
    monkeypatch.setenv("WORKBENCH_DATA_PASSWORD_SHOP", "wrong-one")
    refused = run("schema", "shop", "--refresh")
    assert (
        "refuses the user or the password" in refused.stderr and "wrong-one" not in refused.output
    )
    secrets.write_text(before)
    run("remove", "shop", "--yes")
    assert PASSWORD not in secrets.read_text(), "a source that is removed leaves no password behind"


def server_of(dialect: str, request: pytest.FixtureRequest) -> Server:
    return request.getfixturevalue("mariadb_server" if dialect == "mysql" else "postgresql_server")


def test_check_answers_every_line_whatever_comes_in(settings: Settings, tmp_path: Path) -> None:
    add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    lines = [
        b"",
        b"   ",
        b"{bad",
        b"null",
        b"[]",
        b'{"SQL": "SELECT 1"}',
        b'{"sql": null}',
        b'{"sql": 5}',
        b"\xff\xfe\x00",
        b'{"sql": "SELECT \\ud800"}',
        b"[" * 100_000,
        b'{"sql": "SELECT ' + b"(" * 5000 + b'"}',
        b'{"sql": "DROP TABLE users"}',
    ]
    text = b"\r\n".join([*lines, b'{"sql": "SELECT 1"}'])
    for dialect in ("mysql", "postgres", "sqlite", "duckdb"):
        arguments = ["data", "check", "--stdin", "--dialect", dialect, "--source", "shop", "--json"]
        shown = CliRunner().invoke(workbench, arguments, input=text)
        answers = [json.loads(line) for line in shown.stdout.splitlines()]
        assert shown.exit_code == 0 and len(answers) == len(lines) + 1
        assert (
            not any(answer["allowed"] for answer in answers[:-1])
            and answers[-1]["sql"] == "SELECT 1 LIMIT 10"
        )
        assert all(answer["problem"] and answer["fix"] for answer in answers[:-1])
    nothing = CliRunner().invoke(
        workbench, ["data", "check", "--stdin", "--source", "shop", "--json"], input=b""
    )
    assert nothing.exit_code == 0 and nothing.stdout == ""


@pytest.mark.parametrize("dialect", SERVERS)
def test_the_schema_of_a_server_has_comments_keys_samples_and_counts(
    dialect: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    server = server_of(dialect, request)
    space = "shop." if dialect == "mysql" else ""
    server.run(f"DROP TABLE IF EXISTS {space}notes", f"DROP TABLE IF EXISTS {space}people")
    if dialect == "mysql":
        server.run(
            "CREATE TABLE shop.people (id INT PRIMARY KEY,"
            " `姓名` VARCHAR(20) COMMENT 'what a person is called',"
            " api_token VARCHAR(20), photo BLOB) COMMENT 'everyone'",
            "CREATE TABLE shop.notes (id INT PRIMARY KEY, person INT,"
            " FOREIGN KEY (person) REFERENCES shop.people (id))",
            "INSERT INTO shop.people VALUES (1, '王芳', 'hush', 'abc'), (2, NULL, 'hush', NULL)",
        )
    else:
        server.run(
            'CREATE TABLE people (id INT PRIMARY KEY, "姓名" VARCHAR(20),'
            " api_token VARCHAR(20), photo BYTEA)",
            "COMMENT ON TABLE people IS 'everyone'",
            "COMMENT ON COLUMN people.\"姓名\" IS 'what a person is called'",
            "CREATE TABLE notes (id INT PRIMARY KEY, person INT REFERENCES people (id))",
            "INSERT INTO people VALUES (1, '王芳', 'hush', 'abc'), (2, NULL, 'hush', NULL)",
        )
    source = add_source(settings, "people", server.url)
    schema = load_schema(source, settings)
    people = schema.by_name["people"]
    assert people.comment == "everyone" and people.rows == 2
    assert people.by_name["姓名"].comment == "what a person is called"
    assert people.by_name["姓名"].samples == ("王芳",)
    assert people.by_name["id"].primary and not people.by_name["姓名"].primary
    assert people.by_name["api_token"].samples == () and people.by_name["photo"].samples == ()
    key = schema.by_name["notes"].foreign_keys[0]
    assert (key.column, key.other_table, key.other_column) == ("person", "people", "id")
    _, result = ask_database("SELECT 姓名, photo FROM people ORDER BY id", schema, source, settings)
    assert result.rows == [["王芳", "<3 bytes>"], [None, None]]


@pytest.mark.parametrize("dialect", SERVERS)
def test_a_server_is_only_read_even_below_the_guard(
    dialect: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    from agents.databases.database import open_session

    server = server_of(dialect, request)
    space = "shop." if dialect == "mysql" else ""
    server.run(f"DROP TABLE IF EXISTS {space}kept", f"CREATE TABLE {space}kept (id INT)")
    source = add_source(settings, "kept", server.url)
    with pytest.raises(QueryFailed), open_session(source, settings, 5) as session:
        session.fetch("INSERT INTO kept VALUES (1)")
    assert server.run(f"SELECT count(*) FROM {space}kept")[0][0] == 0


def test_a_table_that_was_dropped_since_is_said_with_the_way_to_refresh(
    settings: Settings, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "shop.sqlite")
    source = add_source(settings, "shop", str(path))
    schema = load_schema(source, settings)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE orders")
    with pytest.raises(QueryFailed) as failed:
        ask_database("SELECT * FROM orders", schema, source, settings)
    assert "orders" in failed.value.problem and "--refresh" in failed.value.fix
    assert "orders" not in load_schema(source, settings, refresh=True).by_name


def test_a_server_that_is_down_is_said_within_seconds(settings: Settings) -> None:
    for scheme in ("mysql", "postgres"):
        shown = run("add", "gone", f"{scheme}://someone@127.0.0.1:{free_port()}/shop")
        assert shown.exit_code == 1
        assert "does not answer" in shown.stderr and "Start the server" in shown.stderr


def test_ten_million_rows_give_ten_and_say_that_there_are_more(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "big.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE big AS SELECT range AS n FROM range(10_000_000)")
        connection.execute("CREATE VIEW wide AS SELECT n, repeat('x', 3000) AS text FROM big")
    source = add_source(settings, "big", str(path))
    schema = load_schema(source, settings)
    assert schema.by_name["big"].rows == 10_000_000
    _, result = ask_database("SELECT * FROM wide", schema, source, settings)
    assert len(result.rows) == 10 and result.truncated
    assert len(result.rows[0][1]) < 3000 and result.rows[0][1].endswith("…")
    _, wide = ask_database("SELECT * FROM wide", schema, source, load_settings(query_rows=100_000))
    assert len(wide.rows) < 30_000 and wide.truncated, "the result has a size that it cannot exceed"
    _, exact = ask_database("SELECT n FROM big LIMIT 10", schema, source, settings)
    assert not exact.truncated


@pytest.mark.parametrize("dialect", SERVERS)
def test_a_broken_view_does_not_hide_the_tables(
    dialect: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    server = server_of(dialect, request)
    space = "shop." if dialect == "mysql" else ""
    server.run(
        f"DROP VIEW IF EXISTS {space}broken",
        f"DROP TABLE IF EXISTS {space}base",
        f"CREATE TABLE {space}base (id INT)",
        f"INSERT INTO {space}base VALUES (0)",
        f"CREATE VIEW {space}broken AS SELECT 1 / id AS x, id FROM {space}base",
    )
    if dialect == "mysql":
        server.run("DROP TABLE shop.base", "CREATE TABLE shop.base (other INT)")
    schema = load_schema(add_source(settings, "views", server.url), settings)
    assert "base" in schema.by_name
    assert dialect == "mysql" or schema.by_name["broken"].by_name["x"].samples == ()


def test_every_statement_is_in_the_audit_log(settings: Settings, tmp_path: Path) -> None:
    source = add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    schema = load_schema(source, settings)
    ask_database("SELECT name FROM users", schema, source, settings)
    with pytest.raises(Refused):
        ask_database("DROP TABLE users", schema, source, settings)
    lines = [
        json.loads(line)
        for line in (settings.home / "data" / "audit.jsonl").read_text().splitlines()
    ]
    assert [line["verdict"] for line in lines] == ["ran", "refused"]
    assert lines[0]["ran"] == 'SELECT "name" FROM "users" LIMIT 11' and lines[0]["rows"] == 3
    assert lines[1]["sql"] == "DROP TABLE users"
    assert all(line["who"] and line["at"] and line["source"] == "shop" for line in lines)


def slow_source(
    dialect: str, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[str, Server | None]:
    """A source with a table of 3,000 numbers; joined with itself three times it takes minutes."""
    if dialect == "sqlite":
        path = tmp_path / "slow.sqlite"
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE numbers (n INT)")
            rows = [(n,) for n in range(3000)]
            connection.executemany("INSERT INTO numbers VALUES (?)", rows)
        return str(path), None
    if dialect == "duckdb":
        path = tmp_path / "slow.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE numbers AS SELECT range AS n FROM range(100_000)")
        return str(path), None
    server = server_of(dialect, request)
    space = "shop." if dialect == "mysql" else ""
    values = ", ".join(f"({n})" for n in range(3000))
    server.run(f"DROP TABLE IF EXISTS {space}numbers", f"CREATE TABLE {space}numbers (n INT)")
    server.run(f"INSERT INTO {space}numbers VALUES {values}")
    return server.url, server


SLOW = (
    "SELECT count(*) AS many FROM numbers a JOIN numbers b ON a.n <> b.n"
    " JOIN numbers c ON a.n + b.n <> c.n"
)
BUSY = {
    "mysql": "SELECT count(*) FROM information_schema.processlist"
    " WHERE info LIKE '%AS _many%' AND id <> CONNECTION_ID()",
    "postgres": "SELECT count(*) FROM pg_stat_activity"
    " WHERE usename = 'reader' AND state = 'active'",
}


@pytest.mark.parametrize("dialect", KINDS)
def test_a_long_query_ends_on_the_server_within_a_second_of_stop(
    dialect: str, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    import time

    from agents.data.expert import answer_from_data
    from agents.question import Question
    from workbench.chat.events import Beat

    place, server = slow_source(dialect, settings, tmp_path, request)
    source = add_source(settings, "slow", place)
    schema = load_schema(source, settings)
    add_pair(source, settings, "How many triples are there?", SLOW)
    assert "numbers" in schema.by_name
    slow = load_settings(model="none", source="slow")
    events = answer_from_data(Question("How many triples are there?", [], slow))
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:
        assert isinstance(next(events), Beat), "it is still running"
    if server:
        assert server.run(BUSY[dialect])[0][0] == 1
    stopped = time.monotonic()
    events.close()
    log = settings.home / "data" / "audit.jsonl"
    while not (log.exists() and '"stopped"' in log.read_text()):
        assert time.monotonic() - stopped < 1, "the query is still running"
        time.sleep(0.02)
    if server:
        while server.run(BUSY[dialect])[0][0]:
            assert time.monotonic() - stopped < 1, "the query is still running on the server"


@pytest.mark.parametrize("dialect", KINDS)
def test_a_query_over_its_time_is_stopped(
    dialect: str, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place, _ = slow_source(dialect, settings, tmp_path, request)
    source = add_source(settings, "slow", place)
    schema = load_schema(source, settings)
    with pytest.raises(Stopped) as stopped:
        ask_database(SLOW, schema, source, load_settings(query_seconds=0.5))
    assert "WORKBENCH_QUERY_SECONDS" in stopped.value.fix


def test_notes_are_kept_and_shown_with_the_schema(settings: Settings, tmp_path: Path) -> None:
    source = add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    schema = load_schema(source, settings)
    describe(source, settings, schema, "ORDERS.Price", "what it cost", ["cost", "价格"])
    describe(source, settings, schema, "users", "customers of the shop", None)
    with pytest.raises(NotFound):
        describe(source, settings, schema, "users.nothing", "x", None)
    add_pair(source, settings, "Who?", "SELECT name FROM users")
    add_pair(source, settings, "Who?", "SELECT name, id FROM users")
    noted = load_schema(source, settings)
    assert noted.by_name["orders"].by_name["price"].synonyms == ("cost", "价格")
    assert noted.by_name["users"].description == "customers of the shop"
    assert load_notes(source, settings).pairs == [
        {"question": "Who?", "sql": "SELECT name, id FROM users"}
    ]


def test_notes_that_many_keep_at_once_are_all_kept(settings: Settings, tmp_path: Path) -> None:
    source = add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    schema = load_schema(source, settings)

    def keep(number: int) -> None:
        add_pair(source, settings, f"Question {number}?", "SELECT 1")
        describe(source, settings, schema, "users.name", None, [f"word {number}"])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(40)))
    notes = load_notes(source, settings)
    assert len(notes.pairs) == 40
    assert notes.about["users.name"]["synonyms"]


def test_passwords_that_many_keep_at_once_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents.databases.passwords import keep_password

    monkeypatch.setenv("WORKBENCH_SECRETS", str(tmp_path / "keys.json"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: keep_password(f"mysql://h/{number}", "pw"), range(40)))
    assert len(json.loads((tmp_path / "keys.json").read_text())) == 40
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_of_two_sources_of_one_name_only_one_is_added(settings: Settings, tmp_path: Path) -> None:
    path = str(make_sqlite(tmp_path / "shop.sqlite"))

    def add(number: int) -> bool:
        try:
            add_source(settings, "shop", path)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(add, range(16))).count(True) == 1


def test_damaged_notes_are_not_written_over(settings: Settings, tmp_path: Path) -> None:
    source = add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    kept = settings.home / "data" / "shop" / "notes.json"
    kept.write_text('{"pairs": [')
    with pytest.raises(InvalidInput) as damaged:
        add_pair(source, settings, "Who?", "SELECT name FROM users")
    assert "notes.json" in damaged.value.problem and kept.read_text() == '{"pairs": ['


def test_the_kept_file_of_secrets_can_be_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents.databases.passwords import keep_password, password_of

    monkeypatch.setenv("WORKBENCH_SECRETS", str(tmp_path / "elsewhere" / "keys.json"))
    source, _ = parse_place("my-shop", "mysql://u:pw@h/db", settings)
    keep_password(source.url, "pw")
    assert password_of(source.name, source.url) == "pw" and "pw" not in source.url
    monkeypatch.setenv("WORKBENCH_DATA_PASSWORD_MY_SHOP", "other")
    assert password_of(source.name, source.url) == "other"
    shown = [path.name for path in (tmp_path / "elsewhere").iterdir() if path.name[0] != "."]
    assert shown == ["keys.json"]
    assert not list((tmp_path / "elsewhere").glob(".*.part"))
