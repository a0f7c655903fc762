"""The guard lets queries that read through, prints them again, and stops everything else."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest
from databases import SERVERS, digest, fill_of, make_sqlite, shop_schema
from hostile_sql import hostile

from agents.databases.guard.guard import DIALECTS, judge
from agents.databases.guard.refused import Refused
from agents.databases.schema import Column, Schema, TableSchema


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_hostile_is_allowed(dialect: str) -> None:
    schema, allowed = shop_schema(dialect), []
    statements = hostile(dialect)
    for statement in statements:
        try:
            allowed.append((statement[:200], judge(statement, schema).sql[:200]))
        except Refused as refusal:
            assert refusal.problem and refusal.fix
    assert not allowed
    assert len(statements) >= 100


GOOD = [
    ("mysql", "select name from users", "SELECT `name` FROM `users` LIMIT 10"),
    ("mysql", "SELECT * FROM users LIMIT 3", "SELECT * FROM `users` LIMIT 3"),
    ("mysql", "SELECT * FROM users LIMIT 500", "SELECT * FROM `users` LIMIT 10"),
    ("mysql", "SELECT * FROM users LIMIT 2, 500", "SELECT * FROM `users` LIMIT 10 OFFSET 2"),
    ("mysql", "SELECT id FROM users /* why */ -- not", "SELECT `id` FROM `users` LIMIT 10"),
    (
        "mysql",
        "SELECT name FROM users WHERE name REGEXP '^A'",
        "SELECT `name` FROM `users` WHERE `name` RLIKE '^A' LIMIT 10",
    ),
    (
        "mysql",
        "SELECT '/*! DROP TABLE users */ ; -- '",
        "SELECT '/*! DROP TABLE users */ ; -- ' LIMIT 10",
    ),
    (
        "postgres",
        "SELECT NAME FROM Users U WHERE u.ID = 1",
        'SELECT "name" FROM "users" AS "u" WHERE "u"."id" = 1 LIMIT 10',
    ),
    (
        "postgres",
        "SELECT id FROM public.users FETCH FIRST 5 ROWS ONLY",
        'SELECT "id" FROM "public"."users" LIMIT 5',
    ),
    (
        "postgres",
        "SELECT count(*) FILTER (WHERE price > 6) FROM orders",
        'SELECT COUNT(*) FILTER(WHERE "price" > 6) FROM "orders" LIMIT 10',
    ),
    (
        "sqlite",
        'SELECT id FROM users WHERE name = "Ann"',
        'SELECT "id" FROM "users" WHERE "name" = \'Ann\' LIMIT 10',
    ),
    (
        "sqlite",
        "SELECT total(price) AS t FROM orders ORDER BY t",
        'SELECT TOTAL("price") AS "t" FROM "orders" ORDER BY "t" LIMIT 10',
    ),
    ("duckdb", "FROM users", 'SELECT * FROM "users" LIMIT 10'),
    ("duckdb", "SELECT median(price) FROM orders", 'SELECT MEDIAN("price") FROM "orders" LIMIT 10'),
]


@pytest.mark.parametrize(("dialect", "sql", "printed"), GOOD)
def test_a_query_that_reads_is_printed_again_with_real_names_and_a_limit(
    dialect: str, sql: str, printed: str
) -> None:
    assert judge(sql, shop_schema(dialect)).sql == printed


SCOPES = [
    "WITH x AS (SELECT id AS k, name FROM users) SELECT k, X.name FROM x",
    "WITH x AS (SELECT id FROM users), y AS (SELECT id FROM x) SELECT y.id FROM y JOIN x ON x.id "
    "= y.id",
    "SELECT t.n FROM (SELECT count(*) AS n FROM users) AS t",
    "SELECT u.name, (SELECT sum(o.price) FROM orders o WHERE o.user_id = u.id) AS spent FROM "
    "users u ORDER BY spent DESC",
    "SELECT name FROM users WHERE EXISTS (SELECT 1 FROM orders WHERE user_id = users.id)",
    "SELECT name AS n, count(*) AS c FROM users GROUP BY n HAVING c > 1 ORDER BY c",
    "SELECT id FROM users UNION ALL SELECT user_id FROM orders ORDER BY id",
    "SELECT users.*, price FROM users JOIN orders ON users.id = orders.user_id",
    "SELECT name, price FROM users CROSS JOIN orders",
    "SELECT name, rank() OVER (PARTITION BY name ORDER BY id) AS r FROM users",
    "SELECT id, sum(price) OVER w FROM orders WINDOW w AS (ORDER BY id)",
    "SELECT CASE WHEN price > 6 THEN 'dear' ELSE 'cheap' END AS kind, avg(price) FROM orders "
    "GROUP BY 1",
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("sql", SCOPES)
def test_names_of_inner_queries_ctes_and_aliases_are_known(dialect: str, sql: str) -> None:
    printed = judge(sql, shop_schema(dialect)).sql
    assert judge(printed, shop_schema(dialect)).sql == printed


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_star_may_name_a_table_of_the_outer_query(dialect: str) -> None:
    schema = shop_schema(dialect)
    verdict = judge("SELECT (SELECT o.* FROM users) FROM orders AS o", schema)
    assert verdict.tables == {"users", "orders"}
    derived = "SELECT x.price FROM orders o, (SELECT (SELECT o.* FROM users) FROM orders o) x"
    with pytest.raises(Refused) as refused:
        judge(derived, schema)
    assert refused.value.unknown == "x.price"


LATERAL = [
    "SELECT u.*, x.spent FROM users u, LATERAL (SELECT sum(o.price) AS spent FROM orders o WHERE "
    "o.user_id = u.id) x",
    "SELECT u.name, x.p FROM users u LEFT JOIN LATERAL (SELECT price FROM orders WHERE user_id = "
    "u.id LIMIT 1) x(p) ON TRUE",
    "SELECT x.id FROM users u CROSS JOIN LATERAL (SELECT u.id UNION ALL SELECT o.id FROM orders "
    "o) x",
]


@pytest.mark.parametrize("sql", LATERAL)
def test_a_lateral_query_sees_what_stands_before_it(sql: str) -> None:
    schema = shop_schema("postgres")
    verdict = judge(sql, schema)
    assert verdict.tables == {"users", "orders"}
    assert ("users", "id") in verdict.columns
    assert judge(verdict.sql, schema).sql == verdict.sql


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "SELECT 1 FROM users u, LATERAL (SELECT o.price) x, orders o",
            "There is no table or alias o",
        ),
        (
            "SELECT 1 FROM users hidden, LATERAL (SELECT * FROM hidden) x",
            "There is no table hidden",
        ),
        ("SELECT 1 FROM users u, LATERAL (SELECT * FROM pg_user) x", "There is no table pg_user"),
        ("SELECT 1 FROM users u, (SELECT u.id) x", "There is no table or alias u"),
        ("SELECT x.nothing FROM users u, LATERAL (SELECT u.id) x", "There is no column x.nothing"),
        ("SELECT 1 FROM users u, LATERAL make_date(2020, 1, 1) x", "stands where a table belongs"),
        ("SELECT 1 FROM users u, LATERAL (SELECT pg_sleep(5)) x", "pg_sleep"),
        ("SELECT 1 FROM users u, LATERAL (SELECT 1 FOR UPDATE) x", "LOCK"),
        ("SELECT 1 FROM users u, LATERAL (SELECT 1) pg_user", "name of a system table"),
    ],
)
def test_a_lateral_query_is_judged_as_any_other(sql: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        judge(sql, shop_schema("postgres"))
    assert reason.lower() in refused.value.problem.lower()


def test_duckdb_lists_the_values_of_a_group() -> None:
    schema = shop_schema("duckdb")
    assert (
        judge("SELECT list(name) FROM users", schema).sql
        == 'SELECT LIST("name") FROM "users" LIMIT 10'
    )
    judge("SELECT list(DISTINCT name ORDER BY name) FILTER (WHERE id > 1) AS l FROM users", schema)
    with pytest.raises(Refused):
        judge("SELECT list(secret) FROM users", schema)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("mysql", LATERAL[0]),
        ("sqlite", LATERAL[0]),
        ("postgres", "SELECT list(name) FROM users"),
        ("sqlite", "SELECT list(name) FROM users"),
    ],
)
def test_what_one_dialect_has_is_no_way_in_for_another(dialect: str, sql: str) -> None:
    with pytest.raises(Refused):
        judge(sql, shop_schema(dialect))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_alias_is_no_keyword(dialect: str) -> None:
    """Without quotes PostgreSQL would answer with the name of the account."""
    sql = judge("SELECT user FROM (SELECT 1 AS user) q", shop_schema(dialect)).sql
    quote = "`" if dialect == "mysql" else '"'
    assert sql.count(f"{quote}user{quote}") == 2


def test_postgresql_writes_names_small_that_are_not_quoted() -> None:
    sql = judge('SELECT id AS Total, id AS "Sum" FROM users', shop_schema("postgres")).sql
    assert 'AS "total"' in sql and 'AS "Sum"' in sql


@pytest.mark.parametrize(
    ("dialect", "sql", "problem", "fix"),
    [
        ("postgres", "SELECT pg_sleep(5)", "pg_sleep may not be used: it only waits", "Leave it"),
        ("duckdb", "SELECT getenv('HOME')", "it names the account or the server", "tables"),
        ("duckdb", "SELECT * FROM read_csv('x')", "it reaches files", "workbench data add"),
        ("sqlite", "SELECT load_extension('x')", "it reaches files", "workbench data add"),
        ("mysql", "SELECT dat_format(id, '%Y') FROM users", "not on the list", "date_format"),
    ],
)
def test_a_refusal_says_which_function_why_and_what_instead(
    dialect: str, sql: str, problem: str, fix: str
) -> None:
    with pytest.raises(Refused) as refused:
        judge(sql, shop_schema(dialect))
    assert problem in refused.value.problem and fix in refused.value.fix


def test_the_verdict_names_what_is_read() -> None:
    verdict = judge(
        "SELECT u.name FROM users u JOIN orders o ON o.user_id = u.id", shop_schema("sqlite")
    )
    assert verdict.tables == {"users", "orders"}
    assert verdict.columns == {("users", "name"), ("users", "id"), ("orders", "user_id")}


def test_an_unknown_name_comes_with_the_nearest_real_ones() -> None:
    with pytest.raises(Refused) as column:
        judge("SELECT nmae FROM users", shop_schema("mysql"))
    assert column.value.unknown == "nmae" and "name" in column.value.fix
    with pytest.raises(Refused) as table:
        judge("SELECT * FROM usres", shop_schema("mysql"))
    assert "users" in table.value.fix


def test_chinese_names_are_read_and_quoted() -> None:
    schema = Schema("mysql", (TableSchema("订单", (Column("商品名称"), Column("价格"))),), "shop")
    verdict = judge(
        "select 商品名称, sum(价格) as 总额 from 订单 group by 商品名称 order by 总额 desc", schema
    )
    assert verdict.sql == (
        "SELECT `商品名称`, SUM(`价格`) AS `总额` FROM `订单`"
        " GROUP BY `商品名称` ORDER BY `总额` DESC LIMIT 10"
    )


def test_one_row_more_is_asked_only_where_the_guard_set_the_limit() -> None:
    schema = shop_schema("sqlite")
    assert judge("SELECT id FROM users", schema, rows=5).more == 'SELECT "id" FROM "users" LIMIT 6'
    assert judge("SELECT id FROM users LIMIT 5", schema, rows=5).more is None


def gold(shared_data: Path) -> list[dict[str, str]]:
    lines = (shared_data / "nl2sql_spider/questions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def sqlite_schema(path: Path) -> Schema:
    """Tables and columns of a SQLite file."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
            )
        ]
        tables = tuple(
            TableSchema(
                name,
                tuple(Column(row[1]) for row in connection.execute(f'PRAGMA table_info("{name}")')),
            )
            for name in names
            if not name.startswith("sqlite_")
        )
    connection.close()
    return Schema("sqlite", tables, "main")


def rows_of(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@pytest.mark.data
def test_every_gold_query_is_allowed_and_gives_the_same_rows(shared_data: Path) -> None:
    folder = shared_data / "nl2sql_spider"
    schemas: dict[str, Schema] = {}
    compared = 0
    questions = gold(shared_data)
    for question in questions:
        name, sql = question["db_id"], question["gold_sql"]
        files = [
            folder / f"database/{name}/{name}.sqlite",
            *sorted((folder / "testsuite" / name).glob("*.sqlite")),
        ]
        schema = schemas.setdefault(name, sqlite_schema(files[0]))
        verdict = judge(sql, schema, rows=1_000_000)
        for file in files:
            assert rows_of(file, verdict.sql) == rows_of(file, sql), sql
            compared += 1
    assert len(questions) == 224 and compared > 900


KNOWN = (
    "t",
    "t1",
    "t2",
    "x",
    "y",
    "z",
    "a",
    "b",
    "foo",
    "bar",
    "tbl",
    "test",
    "user",
    "products",
    "items",
    "accounts",
)


def allowed_of_shared(shared_data: Path, dialect: str) -> tuple[int, set[str]]:
    """(hostile lines judged: whole, in literals, as numbers; the statements that may run)."""
    folder = shared_data / "hostile"
    lines = (folder / "sqli_payloads.jsonl").read_text("utf-8").splitlines()
    payloads = [json.loads(line)["payload"] for line in lines]
    lines = (folder / "sql_dialect_statements.jsonl").read_text("utf-8").splitlines()
    statements = [json.loads(line)["sql"] for line in lines]
    assert len(payloads) == 1780 and len(statements) == 2663
    for payload in payloads:
        statements += [
            payload,
            f"SELECT * FROM users WHERE name = '{payload}'",
            f'SELECT * FROM users WHERE name = "{payload}"',
            f"SELECT * FROM users WHERE id = {payload}",
        ]
    schema, found = shop_schema(dialect, KNOWN), set()
    for statement in statements:
        try:
            found.add(judge(statement, schema).sql)
        except Refused:
            continue
    return len(statements), found


@pytest.mark.data
def test_what_passes_of_the_hostile_lines_changes_nothing_on_a_writable_sqlite(
    shared_data: Path, tmp_path: Path
) -> None:
    judged, statements = allowed_of_shared(shared_data, "sqlite")
    assert judged == 9783 and len(statements) > 500
    connection = sqlite3.connect(make_sqlite(tmp_path / "shop.sqlite"))
    for name in KNOWN:
        connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM users')
    connection.commit()
    before, ran, slowest = digest(list(connection.iterdump())), 0, 0.0
    for statement in sorted(statements):
        begun = time.monotonic()
        try:
            connection.execute(statement).fetchall()
            ran += 1
        except sqlite3.Error:
            continue
        finally:
            slowest = max(slowest, time.monotonic() - begun)
    assert digest(list(connection.iterdump())) == before
    assert ran > 400 and slowest < 2
    assert {path.name for path in tmp_path.iterdir()} == {"shop.sqlite"}


@pytest.mark.data
@pytest.mark.parametrize("dialect", SERVERS)
def test_what_passes_of_the_hostile_lines_changes_nothing_on_a_writable_server(
    dialect: str, shared_data: Path, request: pytest.FixtureRequest
) -> None:
    import sqlalchemy
    from sqlalchemy.exc import DBAPIError

    server = request.getfixturevalue(
        "mariadb_server" if dialect == "mysql" else "postgresql_server"
    )
    _, statements = allowed_of_shared(shared_data, dialect)
    engine = sqlalchemy.create_engine(server.admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        run = connection.execution_options(no_parameters=True).exec_driver_sql
        if dialect == "mysql":
            run("CREATE DATABASE IF NOT EXISTS hostile")
            run("USE hostile")
            run("SET SESSION max_statement_time = 5")
            checksum = "CHECKSUM TABLE users, orders, t, x"
            names = "SELECT table_schema, table_name FROM information_schema.tables"
        else:
            run("CREATE SCHEMA IF NOT EXISTS hostile")
            run("SET search_path = hostile")
            run("SET statement_timeout = 5000")
            checksum = "SELECT md5(string_agg(u::text, '' ORDER BY id)) FROM users u"
            names = (
                "SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            )
        for statement in fill_of(dialect):
            run(statement)
        quote = "`" if dialect == "mysql" else '"'
        for name in KNOWN:
            run(f"CREATE TABLE {quote}{name}{quote} AS SELECT * FROM users")
        before = digest([*run(checksum).fetchall(), *run(names).fetchall()])
        ran, slowest = 0, 0.0
        for statement in sorted(statements):
            begun = time.monotonic()
            try:
                run(statement).fetchall()
                ran += 1
            except DBAPIError:
                continue
            finally:
                slowest = max(slowest, time.monotonic() - begun)
        assert digest([*run(checksum).fetchall(), *run(names).fetchall()]) == before
    engine.dispose()
    assert ran > 200 and slowest < 4
