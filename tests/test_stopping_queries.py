"""Queries that nothing inside a database can end still end, in time and within memory.

The guard refuses most of them; here they are run past it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from click.testing import CliRunner
from database_servers import Server
from databases import KINDS, SERVERS

from agents.databases.database import open_session
from agents.databases.guard.guard import Verdict
from agents.databases.introspect import load_schema
from agents.databases.runner import Result, Running
from agents.databases.sources import DataSource, add_source
from workbench.cli import workbench
from workbench.errors import Stopped, Unavailable, WorkbenchError
from workbench.settings import Settings, load_settings

LIMIT = 0.3  # seconds
ENDS_WITHIN = LIMIT + 2
MOST_MEMORY = 512_000_000  # bytes
FILE = Path(__file__).with_name("stubborn_queries.toml")
STUBBORN: dict[str, dict[str, str]] = tomllib.loads(FILE.read_text("utf-8"))


def file_source(dialect: str, settings: Settings, folder: Path) -> DataSource:
    """A file whose path has a space and Chinese letters."""
    path = folder / f"数据 of a shop.{dialect}"
    if dialect == "sqlite":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE t (s TEXT, id INT)")
            connection.execute("INSERT INTO t VALUES (?, 1)", ["a" * 15])
        connection.close()
    else:
        with duckdb.connect(str(path)) as made:
            made.execute("CREATE TABLE t AS SELECT repeat('a', 15) AS s, 1 AS id")
    return add_source(settings, "shop", str(path))


def server_source(dialect: str, settings: Settings, request: pytest.FixtureRequest) -> DataSource:
    kind = "mariadb_server" if dialect == "mysql" else "postgresql_server"
    server: Server = request.getfixturevalue(kind)
    space = "shop." if dialect == "mysql" else ""
    server.run(
        f"DROP TABLE IF EXISTS {space}t",
        f"CREATE TABLE {space}t (s TEXT, id INT)",
        f"INSERT INTO {space}t VALUES ('{'a' * 15}', 1)",
    )
    return add_source(settings, "shop", server.url)


def past_the_guard(sql: str, source: DataSource, settings: Settings) -> Running:
    verdict = Verdict(sql, sql, 10, frozenset(), frozenset())
    return Running(sql, verdict, source, settings)


def asked(sql: str, source: DataSource, settings: Settings) -> tuple[Result | WorkbenchError, int]:
    """What came of a query, and the most memory that a child held meanwhile."""
    running = past_the_guard(sql, source, settings)
    most = 0
    for _ in running.wait():
        most = max([most, *(child.memory_info().rss for child in children())])
    try:
        return running.result(), most
    except WorkbenchError as error:
        return error, most


def children() -> list[psutil.Process]:
    """The children of this process that run queries."""
    found = []
    for child in psutil.Process().children():
        try:
            if "agents.databases.file_worker" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("dialect", KINDS)
def test_what_cannot_be_interrupted_ends_in_time_and_within_memory(
    dialect: str, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if dialect in ("sqlite", "duckdb"):
        source = file_source(dialect, settings, tmp_path)
    else:
        source = server_source(dialect, settings, request)
    few = load_settings(query_seconds=LIMIT)
    before = psutil.Process().memory_info().rss
    assert len(STUBBORN[dialect]) >= 2
    for name, sql in STUBBORN[dialect].items():
        CliRunner().invoke(workbench, ["data", "resume", "shop"])
        asked("SELECT s FROM t", source, few)  # what comes after a kill waits for a new child
        begun = time.monotonic()
        got, most = asked(sql, source, few)
        assert isinstance(got, Stopped), f"{name}: {got}"
        assert time.monotonic() - begun < ENDS_WITHIN, name
        assert (most < MOST_MEMORY and "ended" in got.problem) or "memory" in got.problem, name
    CliRunner().invoke(workbench, ["data", "resume", "shop"])
    got, _ = asked("SELECT s FROM t", source, few)
    assert isinstance(got, Result) and got.rows == [["a" * 15]]
    assert psutil.Process().memory_info().rss - before < MOST_MEMORY


@pytest.mark.parametrize("dialect", SERVERS)
def test_a_query_that_survives_every_kill_pauses_its_source(
    dialect: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    """The guard of the pause is the server's list: a connection of a test's own stands for it."""
    from agents.databases.pausing import pause

    source = server_source(dialect, settings, request)
    few = load_settings(query_seconds=5)
    with open_session(source, few, 5) as stubborn:
        pause(source, few, stubborn._id)  # type: ignore[attr-defined]
        got, _ = asked("SELECT s FROM t", source, few)
        assert isinstance(got, Unavailable) and "paused" in got.problem
        assert "workbench data resume shop" in got.fix
        shown = CliRunner().invoke(workbench, ["data", "resume", "shop", "--json"])
        assert '"resumed": true' in shown.stdout
        assert isinstance(asked("SELECT s FROM t", source, few)[0], Result)
        pause(source, few, stubborn._id)  # type: ignore[attr-defined]
    got, _ = asked("SELECT s FROM t", source, few)
    assert isinstance(got, Result), "the pause ends with the connection"
    assert not (settings.home / "data" / "shop" / "paused.json").exists()


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_a_child_that_is_killed_is_said_and_the_next_query_works(
    dialect: str, settings: Settings, tmp_path: Path
) -> None:
    source = file_source(dialect, settings, tmp_path)
    slow = STUBBORN[dialect]["endless"]
    before = {child.pid for child in children()}  # servers of other tests
    with open_session(source, settings, 20) as session:
        [child] = [child for child in children() if child.pid not in before]
        threading.Timer(0.3, os.kill, [child.pid, signal.SIGKILL]).start()
        with pytest.raises(Unavailable, match="ended unexpectedly"):
            session.fetch(slow)
        session.rollback()
        assert session.fetch("SELECT id FROM t") == [[1]]


def test_a_stop_ends_the_child_at_once(settings: Settings, tmp_path: Path) -> None:
    source = file_source("sqlite", settings, tmp_path)
    running = past_the_guard(STUBBORN["sqlite"]["instr"], source, settings)
    beats = running.wait()
    for _ in range(5):
        next(beats)
    before = {child.pid for child in children()}
    begun = time.monotonic()
    beats.close()
    with pytest.raises(Stopped):
        running.result()
    assert time.monotonic() - begun < 0.5
    assert {child.pid for child in children()} < before


def test_two_queries_at_once_do_not_wait_for_each_other(settings: Settings, tmp_path: Path) -> None:
    source = file_source("sqlite", settings, tmp_path)
    few = load_settings(query_seconds=1.5)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(asked, STUBBORN["sqlite"]["instr"], source, few)
        quick, _ = asked("SELECT id FROM t", source, few)
        assert isinstance(quick, Result) and not slow.done()
        assert isinstance(slow.result()[0], Stopped)


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_a_file_that_was_replaced_is_seen_by_the_next_query(
    dialect: str, settings: Settings, tmp_path: Path
) -> None:
    source = file_source(dialect, settings, tmp_path)
    assert isinstance(asked("SELECT id FROM t", source, settings)[0], Result)
    folder = tmp_path / "other"
    folder.mkdir()
    other = Path(file_source(dialect, load_settings(home=tmp_path / "b"), folder).file)
    connect: Any = sqlite3.connect if dialect == "sqlite" else duckdb.connect
    changed = connect(str(other))
    changed.execute("UPDATE t SET id = 2")
    changed.commit()
    changed.close()
    other.replace(source.file)
    got, _ = asked("SELECT id FROM t", source, settings)
    assert isinstance(got, Result) and got.rows == [[2]]


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_a_view_without_end_is_left_out_and_told(
    dialect: str, settings: Settings, tmp_path: Path
) -> None:
    source = file_source(dialect, settings, tmp_path)
    connect: Any = sqlite3.connect if dialect == "sqlite" else duckdb.connect
    connection = connect(source.file)
    connection.execute(f"CREATE VIEW endless AS {STUBBORN[dialect]['endless']}")
    connection.execute("CREATE VIEW quick AS SELECT id FROM t")
    connection.commit()
    connection.close()
    schema = load_schema(source, load_settings(query_seconds=LIMIT))
    assert set(schema.by_name) == {"t", "quick"}
    assert schema.sentences() == [f"The view endless did not answer in {LIMIT} s: left out."]
    assert load_schema(source, settings).sentences() == schema.sentences(), "also from the cache"


@pytest.mark.parametrize("dialect", SERVERS)
def test_a_view_that_a_server_cannot_interrupt_is_left_out_and_told(
    dialect: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    source = server_source(dialect, settings, request)
    kind = "mariadb_server" if dialect == "mysql" else "postgresql_server"
    server: Server = request.getfixturevalue(kind)
    space = "shop." if dialect == "mysql" else ""
    query = STUBBORN["views"][dialect].replace("FROM t", f"FROM {space}t")
    server.run(
        f"CREATE VIEW {space}endless AS {query}",
        f"CREATE VIEW {space}quick AS SELECT 2 AS two",  # read on another connection
    )
    try:
        begun = time.monotonic()
        schema = load_schema(source, load_settings(query_seconds=LIMIT))
        assert time.monotonic() - begun < 2 * ENDS_WITHIN
        told = schema.sentences()
    finally:
        CliRunner().invoke(workbench, ["data", "resume", "shop"])
        server.run(f"DROP VIEW {space}endless", f"DROP VIEW {space}quick")
    assert told[-1] == f"The view endless did not answer in {LIMIT} s: left out."
    assert "endless" not in schema.by_name
    assert schema.by_name["quick"].columns[0].samples == ("2",)


def test_nothing_is_written_beside_the_file(settings: Settings, tmp_path: Path) -> None:
    source = file_source("duckdb", settings, tmp_path)
    sort = "SELECT i, repeat('x', 1000) AS s FROM range(300000) r(i) ORDER BY s, i DESC"
    got, _ = asked(sort, source, load_settings(query_seconds=20))
    assert isinstance(got, Result), got
    assert got.rows[0][0] == 299_999
    assert [path.name for path in Path(source.file).parent.glob("*.duckdb*")] == [
        Path(source.file).name
    ]
    assert list((settings.home / "data" / ".temporary").iterdir()) == []
