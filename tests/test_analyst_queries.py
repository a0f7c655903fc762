"""What analysts ask passes the guard, and gives what the database gives without it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import sqlalchemy
from analyst_shop import analyst_schema, make_file, queries, statements
from database_servers import Server
from databases import KINDS
from sqlalchemy.pool import NullPool

from agents.databases.guard.allowed import meanings
from agents.databases.guard.guard import DIALECTS, judge
from agents.databases.guard.refused import EFFECTS, Refused

Run = Callable[[str], list[Any]]
MAKE_ROOM = {
    "mysql": [
        "DROP DATABASE IF EXISTS analyst",
        "CREATE DATABASE analyst CHARACTER SET utf8mb4",
        "USE analyst",
        "SET SESSION max_statement_time = 5",
    ],
    "postgres": [
        "DROP SCHEMA IF EXISTS analyst CASCADE",
        "CREATE SCHEMA analyst",
        "SET search_path = analyst",
        "SET statement_timeout = 5000",
    ],
}
FIXTURES = {"mysql": "mariadb_server", "postgres": "postgresql_server"}


@pytest.fixture(scope="module", params=KINDS)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Run]]:
    """(dialect, what runs a statement there), where the analysts' shop is."""
    dialect = request.param
    if dialect in FIXTURES:
        server: Server = request.getfixturevalue(FIXTURES[dialect])
        engine = sqlalchemy.create_engine(
            server.admin, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            run = connection.execution_options(no_parameters=True).exec_driver_sql
            for statement in [*MAKE_ROOM[dialect], *statements(dialect)]:
                run(statement)
            yield dialect, lambda sql: list(run(sql).fetchall())
        engine.dispose()
        return
    path = make_file(dialect, tmp_path_factory.mktemp("analyst") / f"shop.{dialect}")
    opened: Any = (
        sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        if dialect == "sqlite"
        else duckdb.connect(str(path), read_only=True)
    )
    yield dialect, lambda sql: list(opened.execute(sql).fetchall())
    opened.close()


def comparable(rows: list[Any], sql: str) -> list[tuple[str, ...]]:
    """Rows as text, floats rounded; sorted where the query does not say the order."""
    found = [tuple(_text(value) for value in row) for row in rows]
    return found if "ORDER BY" in sql else sorted(found)


def _text(value: Any) -> str:
    number = isinstance(value, float | Decimal)
    return repr(round(float(value), 6)) if number else str(value)


def test_what_analysts_ask_gives_what_the_database_gives(shop: tuple[str, Run]) -> None:
    dialect, run = shop
    schema, refused, asked = analyst_schema(dialect), [], queries(dialect)
    for sql in asked:
        expected = comparable(run(sql), sql)
        try:
            verdict = judge(sql, schema, rows=100_000)
        except Refused as refusal:
            refused.append((sql, refusal.problem))
            continue
        assert comparable(run(verdict.sql), sql) == expected, verdict.sql
    assert len(asked) >= 100
    assert len(refused) <= 0.02 * len(asked), refused


ENDLESS = [
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT n.i + 1 FROM n, customers)"
    " SELECT count(*) FROM n",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n)"
    " SELECT count(*) FROM n a JOIN n b ON a.i = b.i",
]


@pytest.mark.parametrize("sql", ENDLESS)
def test_a_recursion_without_end_ends(sql: str, shop: tuple[str, Run]) -> None:
    dialect, run = shop
    begun = time.monotonic()
    verdict = judge(sql, analyst_schema(dialect))
    assert verdict.recursive
    rows = run(verdict.sql)
    assert 0 < int(rows[0][0]) <= 10_000
    assert not judge("SELECT count(*) FROM customers", analyst_schema(dialect)).recursive
    assert time.monotonic() - begun < 4


SERIES = {
    "postgres": [
        "SELECT count(*) FROM generate_series(1, (SELECT max(id) * 100000000 FROM orders)) AS s",
        "SELECT max(s) FROM (SELECT generate_series(1, id * 100000000) AS s FROM orders) q",
    ],
    "duckdb": [
        "SELECT len(range((SELECT max(id) * 100000000 FROM orders)))",
        "SELECT len(generate_series(1, (SELECT max(id) * 100000000 FROM orders), 5))",
    ],
}


def test_a_series_without_end_ends(shop: tuple[str, Run]) -> None:
    dialect, run = shop
    for sql in SERIES.get(dialect, []):
        assert 0 < int(run(judge(sql, analyst_schema(dialect)).sql)[0][0]) <= 100_001


@pytest.mark.parametrize(
    ("dialect", "sql", "reason"),
    [
        ("postgres", "SELECT generate_series(1, id) FROM orders ORDER BY 1", "sorted or grouped"),
        ("postgres", "SELECT DISTINCT generate_series(1, id) FROM orders", "sorted or grouped"),
        ("postgres", "SELECT * FROM generate_series(1, 100001)", "at most 100000 steps"),
        (
            "postgres",
            "SELECT * FROM orders, generate_series(1, id) WITH ORDINALITY",
            "WITH ORDINALITY",
        ),
        ("duckdb", "SELECT format('{:{}}', 'a', 1000000000)", "any length"),
        ("sqlite", "SELECT printf('%-*d', 1000000000, 1)", "any length"),
        ("duckdb", "SELECT range(0, 10, id) FROM orders", "must be written out"),
        ("duckdb", "SELECT range(0, id, -1) FROM orders", "must be written out"),
        ("duckdb", "SELECT range(1000000)", "at most 100000 steps"),
    ],
)
def test_what_could_grow_is_refused_with_the_reason(dialect: str, sql: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        judge(sql, analyst_schema(dialect))
    assert reason in refused.value.problem


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_row_of_the_tables_decides(dialect: str) -> None:
    schema, table = analyst_schema(dialect), meanings(dialect)
    for name in sorted(table.reads - {"any", "all", "some", "if", "array", "row"}):
        try:
            judge(f"SELECT {name}(id) FROM orders", schema)
        except Refused as refusal:  # some want words or more arguments, none is unlisted
            assert "not on the list" not in refusal.problem, name
            assert "may not be used" not in refusal.problem, name
    for name, effect in table.refused.items():
        with pytest.raises(Refused) as refused:
            judge(f"SELECT {name}(id) FROM orders", schema)
        assert name in refused.value.problem.lower(), name
        assert str(EFFECTS[effect][0]) in refused.value.problem, name
        assert refused.value.fix
    assert len(table.reads) > 100 and len(table.refused) > 10
    assert not table.reads & table.refused.keys()


CATALOGUES = {
    "postgres": "SELECT DISTINCT proname, provolatile = 'v' FROM pg_proc"
    " WHERE pronamespace = 'pg_catalog'::regnamespace",
    "duckdb": "SELECT DISTINCT lower(function_name), coalesce(has_side_effects, false)"
    " FROM duckdb_functions()",
    "sqlite": "SELECT DISTINCT name, 0 FROM pragma_function_list",
}
# whose result changes although nothing does: the clock and chance
CHANCE = {
    *("random", "clock_timestamp", "timeofday", "gen_random_uuid", "uuid", "uuidv4", "uuidv7"),
}


def test_no_function_with_an_effect_is_on_the_list(shop: tuple[str, Run]) -> None:
    dialect, run = shop
    if dialect not in CATALOGUES:
        return  # MySQL has no catalogue of its own functions
    known = dict(run(CATALOGUES[dialect]))
    allowed = {name for name in known if meanings(dialect).allows(name)}
    assert len(allowed) > 80
    assert {name for name in allowed if known[name]} <= CHANCE
