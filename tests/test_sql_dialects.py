"""Real databases understand what the guard prints: the functions that people use, by dialect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from database_servers import PASSWORD, Server
from databases import FILL, KINDS, make_shop

from agents.databases.guard.guard import judge
from agents.databases.guard.refused import Refused
from agents.databases.guard.repair import Mender
from agents.databases.introspect import load_schema
from agents.databases.runner import ask_database
from agents.databases.sources import add_source
from workbench.settings import Settings

EVERYWHERE = {
    "SELECT count(*) AS n FROM users": [[3]],
    "WITH x AS (SELECT user_id, sum(price) AS s FROM orders GROUP BY user_id) SELECT name, s FROM "
    "x JOIN users ON id = user_id"
    " ORDER BY s DESC": [["Ann", 29.5], ["Bo", 5.25]],
    "SELECT name FROM users WHERE NOT EXISTS (SELECT 1 FROM orders WHERE user_id = users.id)": [
        ["王芳"]
    ],
    "SELECT u.name, (SELECT max(price) FROM orders o WHERE o.user_id = u.id) AS top FROM users u "
    "ORDER BY u.id": [
        ["Ann", 20],
        ["Bo", 5.25],
        ["王芳", None],
    ],
    "SELECT id, rank() OVER (PARTITION BY user_id ORDER BY price DESC) AS r FROM orders ORDER BY "
    "id": [
        [1, 2],
        [2, 1],
        [3, 1],
    ],
    "SELECT id, sum(price) OVER w AS running FROM orders WINDOW w AS (ORDER BY id) ORDER BY id": [
        [1, 9.5],
        [2, 29.5],
        [3, 34.75],
    ],
    "SELECT CASE WHEN price > 9 THEN 'dear' ELSE 'cheap' END AS kind, count(*) AS n FROM orders "
    "GROUP BY 1 ORDER BY 1": [
        ["cheap", 1],
        ["dear", 2],
    ],
    "SELECT id FROM users UNION ALL SELECT user_id FROM orders ORDER BY id LIMIT 3": [
        [1],
        [1],
        [1],
    ],
    "SELECT DISTINCT coalesce(note, '-') AS note FROM orders WHERE note IS NULL OR note LIKE "
    "'gi%' ORDER BY note": [
        ["-"],
        ["gift"],
    ],
    "SELECT upper(substr(name, 1, 2)) AS s, length(name) AS l FROM users WHERE name = 'Ann'": [
        ["AN", 3]
    ],
    "SELECT 'it''s; -- /* no */ comment' AS t": [["it's; -- /* no */ comment"]],
    "SELECT round(avg(price), 2) AS a, min(price) AS b FROM orders HAVING count(*) > 1": [
        [11.58, 5.25]
    ],
}
OWN = {
    "mysql": {
        "SELECT DATE_FORMAT('2025-03-09 10:11:12', '%Y-%m') AS m": [["2025-03"]],
        "SELECT DATEDIFF('2025-03-09', DATE_SUB('2025-03-09', INTERVAL 7 DAY)) AS d": [[7]],
        "SELECT TIMESTAMPDIFF(MONTH, '2025-01-01', '2025-04-02') AS m": [[3]],
        "SELECT YEAR('2025-03-09') AS y, QUARTER('2025-03-09') AS q, DAYOFWEEK('2025-03-09') AS "
        "w": [[2025, 1, 1]],
        "SELECT GROUP_CONCAT(name ORDER BY id SEPARATOR '; ') AS g FROM users": [["Ann; Bo; 王芳"]],
        "SELECT name FROM users WHERE name REGEXP '^A'": [["Ann"]],
        "SELECT CAST('12' AS SIGNED) + CAST('3' AS UNSIGNED) AS n, IF(1 > 0, 'y', 'n') AS c, "
        "IFNULL(NULL, 5) AS v": [
            [15, "y", 5],
        ],
        "SELECT SUBSTRING_INDEX('a,b,c', ',', 2) AS s, FIND_IN_SET('b', 'a,b') AS f": [["a,b", 2]],
        'SELECT name FROM users WHERE name = "Ann"': [["Ann"]],
        "SELECT STR_TO_DATE('09.03.2025', '%d.%m.%Y') AS d": [["2025-03-09"]],
        "SELECT NOW() > '2020-01-01' AS later, LPAD(7, 3, '0') AS p, FORMAT(1234.5, 1) AS f": [
            [1, "007", "1,234.5"]
        ],
        "SELECT JSON_EXTRACT('{\"a\": 5}', '$.a') AS a, "
        "FROM_UNIXTIME(UNIX_TIMESTAMP('2025-03-09')) AS d": [
            ["5", "2025-03-09 00:00:00"],
        ],
        "SELECT user_id, count(*) AS n FROM orders GROUP BY user_id WITH ROLLUP": [
            [1, 2],
            [2, 1],
            [None, 3],
        ],
        "SELECT 'a\\'b\\\\c' AS t": [["a'b\\c"]],
    },
    "postgres": {
        "SELECT u.name, x.spent FROM users u, LATERAL (SELECT sum(o.price) AS spent FROM orders o "
        "WHERE o.user_id = u.id) x"
        " ORDER BY u.id": [["Ann", 29.5], ["Bo", 5.25], ["王芳", None]],
        "SELECT to_char(DATE '2025-03-09', 'YYYY-MM') AS m": [["2025-03"]],
        "SELECT date_trunc('month', TIMESTAMP '2025-03-09 10:00:00') AS m": [
            ["2025-03-01 00:00:00"]
        ],
        "SELECT (DATE '2025-03-09' - INTERVAL '7 days')::date AS d, extract(year FROM DATE "
        "'2025-03-09')::int AS y": [
            ["2025-03-02", 2025],
        ],
        "SELECT string_agg(name, '; ' ORDER BY id) AS g FROM users": [["Ann; Bo; 王芳"]],
        "SELECT name FROM users WHERE name ILIKE 'aNN' OR name ~ '^B' ORDER BY id": [
            ["Ann"],
            ["Bo"],
        ],
        "SELECT count(*) FILTER (WHERE price > 9) AS n FROM orders": [[2]],
        "SELECT DISTINCT ON (user_id) user_id, price FROM orders ORDER BY user_id, price DESC": [
            [1, 20],
            [2, 5.25],
        ],
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS m FROM orders": [[9.5]],
        "SELECT '12'::numeric + 3 AS n, split_part('a,b', ',', 2) AS s, position('b' IN 'abc') AS "
        "p": [[15, "b", 2]],
        "SELECT 'a\\b' AS t, note FROM orders WHERE note = '100% \\wool'": [
            ["a\\b", "100% \\wool"]
        ],
        "SELECT name FROM users FETCH FIRST 1 ROW ONLY": [["Ann"]],
        "SELECT now() > DATE '2020-01-01' AS later, lpad('7', 3, '0') AS p, make_date(2025, 3, 9) "
        "AS d": [
            [True, "007", "2025-03-09"],
        ],
        "SELECT user_id, count(*) AS n FROM orders GROUP BY ROLLUP (user_id) ORDER BY n, user_id": [
            [2, 1],
            [1, 2],
            [None, 3],
        ],
        "SELECT (TIMESTAMP '2025-03-09 10:00:00' AT TIME ZONE 'UTC') AT TIME ZONE 'Asia/Shanghai' "
        "AS t": [
            ["2025-03-09 18:00:00"],
        ],
    },
    "sqlite": {
        "SELECT strftime('%Y-%m', '2025-03-09') AS m, date('2025-03-09', '-7 days') AS d": [
            ["2025-03", "2025-03-02"]
        ],
        "SELECT group_concat(name, '; ') AS g, total(id) AS t FROM users": [["Ann; Bo; 王芳", 6.0]],
        "SELECT julianday('2025-03-09') - julianday('2025-03-02') AS d, iif(1, 'y', 'n') AS c": [
            [7.0, "y"]
        ],
        "SELECT CAST('12' AS INTEGER) + 3 AS n, instr('abc', 'b') AS p, 'a' || 'b' AS c": [
            [15, 2, "ab"]
        ],
        'SELECT name FROM users WHERE name = "Ann"': [["Ann"]],
        "SELECT name FROM users WHERE name GLOB 'A*'": [["Ann"]],
    },
    "duckdb": {
        "SELECT list(id ORDER BY id) AS l FROM orders GROUP BY user_id ORDER BY user_id": [
            ["[1, 2]"],
            ["[3]"],
        ],
        "SELECT strftime(DATE '2025-03-09', '%Y-%m') AS m, date_diff('day', DATE '2025-03-02', "
        "DATE '2025-03-09') AS d": [
            ["2025-03", 7],
        ],
        "SELECT string_agg(name, '; ' ORDER BY id) AS g, median(id) AS m FROM users": [
            ["Ann; Bo; 王芳", 2.0]
        ],
        "SELECT date_trunc('month', DATE '2025-03-09') AS m, year(DATE '2025-03-09') AS y": [
            ["2025-03-01 00:00:00", 2025],
        ],
        "SELECT user_id, price FROM orders QUALIFY row_number() OVER (PARTITION BY user_id ORDER "
        "BY price DESC) = 1 ORDER BY 1": [
            [1, 20],
            [2, 5.25],
        ],
        "FROM users SELECT name WHERE id = 1": [["Ann"]],
        "SELECT arg_max(name, id) AS n, quantile_cont(id, 0.5) AS q, count(*) FILTER (WHERE id > "
        "1) AS c FROM users": [
            ["王芳", 2.0, 2],
        ],
    },
}


@pytest.mark.parametrize("dialect", KINDS)
def test_what_people_use_runs_and_gives_what_it_should(
    dialect: str, settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source = add_source(settings, "shop", make_shop(dialect, tmp_path, request))
    schema = load_schema(source, settings)
    checked = 0
    for sql, expected in (EVERYWHERE | OWN[dialect]).items():
        _, result = ask_database(sql, schema, source, settings)
        assert rounded(result.rows) == expected, sql
        checked += 1
    assert checked >= 17


def rounded(rows: list[list[Any]]) -> list[list[Any]]:
    return [
        [round(value, 2) if isinstance(value, float) else value for value in row] for row in rows
    ]


MAKE_SCHEMAS = [
    "DROP SCHEMA IF EXISTS sales CASCADE",
    "DROP SCHEMA IF EXISTS closed CASCADE",
    "CREATE SCHEMA sales",
    "CREATE SCHEMA closed",
    "CREATE TABLE closed.secrets (id INT)",
    "DROP TABLE IF EXISTS orders, users CASCADE",
]
VISITOR = [
    f"DO $$ BEGIN CREATE ROLE visitor LOGIN PASSWORD '{PASSWORD}';"
    " EXCEPTION WHEN duplicate_object THEN END $$",
    "GRANT USAGE ON SCHEMA sales TO visitor",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public, sales TO visitor",
]
IN_SALES = [
    "CREATE TABLE sales.customers (id INT PRIMARY KEY, city VARCHAR(20))",
    "CREATE TABLE sales.orders (id INT PRIMARY KEY, customer INT REFERENCES sales.customers (id), "
    "total INT)",
    "INSERT INTO sales.customers VALUES (1, 'Oslo'), (2, '上海')",
    "INSERT INTO sales.orders VALUES (1, 1, 7), (2, 2, 30), (3, 2, 5)",
]


@pytest.fixture(params=[pytest.param("postgres", marks=pytest.mark.postgresql), "duckdb"])
def with_schemas(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Any:
    """The shop with a second schema whose `orders` is another table.

    On PostgreSQL it has a third schema, which the user may not enter.
    """
    place = str(tmp_path / "shop.duckdb")
    if request.param == "duckdb":
        with duckdb.connect(place) as connection:
            for statement in [*FILL, "CREATE SCHEMA sales", *IN_SALES]:
                connection.execute(statement)
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        server.run(*MAKE_SCHEMAS, *FILL, *IN_SALES, *VISITOR)
        place = server.url.replace("reader", "visitor")
    source = add_source(settings, "schemas", place)
    return source, load_schema(source, settings)


def test_tables_of_other_schemas_are_read_linked_guarded_and_run(
    with_schemas: Any, settings: Settings
) -> None:
    source, schema = with_schemas
    orders = schema.by_name["sales.orders"]
    assert orders.rows == 3 and orders.by_name["total"].samples == ("7", "30", "5")
    assert [(key.other_table, key.other_column) for key in orders.foreign_keys] == [
        ("sales.customers", "id")
    ]
    assert "orders" in schema.by_name and "closed.secrets" not in schema.by_name
    for sql, rows in {
        "SELECT sum(total) AS t FROM sales.orders": [[42]],
        "SELECT sum(sales.orders.total) AS t FROM sales.orders": [[42]],
        "SELECT city FROM customers ORDER BY id": [["Oslo"], ["上海"]],  # only one schema has it
        "SELECT count(price) AS n FROM orders": [
            [3]
        ],  # the source's own goes before another schema's
        "SELECT c.city, sum(o.total) AS t FROM sales.orders o JOIN sales.customers c ON c.id = "
        "o.customer GROUP BY c.city"
        " ORDER BY t": [["Oslo", 7], ["上海", 35]],
        "SELECT a.id FROM orders a JOIN sales.orders b ON a.id = b.id ORDER BY a.id": [
            [1],
            [2],
            [3],
        ],
    }.items():
        assert ask_database(sql, schema, source, settings)[1].rows == rows, sql
    mended = Mender(schema)
    assert ask_database(mended.mend("SELECT totl FROM sales.ordres"), schema, source, settings)[
        1
    ].columns == ["total"]
    assert {"ordres → sales.orders", "totl → orders.total"} == set(mended.changes)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM pg_catalog.pg_user", "outside this source"),
        ("SELECT * FROM closed.secrets", "outside this source"),
        ("SELECT * FROM information_schema.tables", "outside this source"),
        ("SELECT * FROM sales.users", "no table users"),
        ("SELECT * FROM sales.orders, orders", "Two tables are called orders"),
        ("SELECT pg_catalog.orders.id FROM sales.orders", "outside this source"),
        ("SELECT * FROM other.sales.orders", "TABLE may not have catalog"),
    ],
)
def test_other_schemas_open_no_way_to_the_servers_own(
    sql: str, reason: str, with_schemas: Any
) -> None:
    with pytest.raises(Refused) as refused:
        judge(sql, with_schemas[1])
    assert reason in refused.value.problem
