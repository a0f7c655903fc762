"""What the guard prints is understood by the real databases: the functions that people use, in each dialect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from database_servers import Server
from databases import FILL, KINDS, make_sqlite

from agents.data.introspect import load_schema
from agents.data.runner import ask_database
from agents.data.sources import add_source
from workbench.settings import Settings

EVERYWHERE = {
    "SELECT count(*) AS n FROM users": [[3]],
    "WITH x AS (SELECT user_id, sum(price) AS s FROM orders GROUP BY user_id) SELECT name, s FROM x JOIN users ON id = user_id"
    " ORDER BY s DESC": [["Ann", 29.5], ["Bo", 5.25]],
    "SELECT name FROM users WHERE NOT EXISTS (SELECT 1 FROM orders WHERE user_id = users.id)": [["王芳"]],
    "SELECT u.name, (SELECT max(price) FROM orders o WHERE o.user_id = u.id) AS top FROM users u ORDER BY u.id": [
        ["Ann", 20], ["Bo", 5.25], ["王芳", None],
    ],
    "SELECT id, rank() OVER (PARTITION BY user_id ORDER BY price DESC) AS r FROM orders ORDER BY id": [[1, 2], [2, 1], [3, 1]],
    "SELECT id, sum(price) OVER w AS running FROM orders WINDOW w AS (ORDER BY id) ORDER BY id": [
        [1, 9.5], [2, 29.5], [3, 34.75],
    ],
    "SELECT CASE WHEN price > 9 THEN 'dear' ELSE 'cheap' END AS kind, count(*) AS n FROM orders GROUP BY 1 ORDER BY 1": [
        ["cheap", 1], ["dear", 2],
    ],
    "SELECT id FROM users UNION ALL SELECT user_id FROM orders ORDER BY id LIMIT 3": [[1], [1], [1]],
    "SELECT DISTINCT coalesce(note, '-') AS note FROM orders WHERE note IS NULL OR note LIKE 'gi%' ORDER BY note": [
        ["-"], ["gift"],
    ],
    "SELECT upper(substr(name, 1, 2)) AS s, length(name) AS l FROM users WHERE name = 'Ann'": [["AN", 3]],
    "SELECT 'it''s; -- /* no */ comment' AS t": [["it's; -- /* no */ comment"]],
    "SELECT round(avg(price), 2) AS a, min(price) AS b FROM orders HAVING count(*) > 1": [[11.58, 5.25]],
}  # fmt: skip
OWN = {
    "mysql": {
        "SELECT DATE_FORMAT('2025-03-09 10:11:12', '%Y-%m') AS m": [["2025-03"]],
        "SELECT DATEDIFF('2025-03-09', DATE_SUB('2025-03-09', INTERVAL 7 DAY)) AS d": [[7]],
        "SELECT TIMESTAMPDIFF(MONTH, '2025-01-01', '2025-04-02') AS m": [[3]],
        "SELECT YEAR('2025-03-09') AS y, QUARTER('2025-03-09') AS q, DAYOFWEEK('2025-03-09') AS w": [[2025, 1, 1]],
        "SELECT GROUP_CONCAT(name ORDER BY id SEPARATOR '; ') AS g FROM users": [["Ann; Bo; 王芳"]],
        "SELECT name FROM users WHERE name REGEXP '^A'": [["Ann"]],
        "SELECT CAST('12' AS SIGNED) + CAST('3' AS UNSIGNED) AS n, IF(1 > 0, 'y', 'n') AS c, IFNULL(NULL, 5) AS v": [
            [15, "y", 5],
        ],
        "SELECT SUBSTRING_INDEX('a,b,c', ',', 2) AS s, FIND_IN_SET('b', 'a,b') AS f": [["a,b", 2]],
        'SELECT name FROM users WHERE name = "Ann"': [["Ann"]],
        "SELECT STR_TO_DATE('09.03.2025', '%d.%m.%Y') AS d": [["2025-03-09"]],
        "SELECT NOW() > '2020-01-01' AS later, LPAD(7, 3, '0') AS p, FORMAT(1234.5, 1) AS f": [[1, "007", "1,234.5"]],
        "SELECT JSON_EXTRACT('{\"a\": 5}', '$.a') AS a, FROM_UNIXTIME(UNIX_TIMESTAMP('2025-03-09')) AS d": [
            ["5", "2025-03-09 00:00:00"],
        ],
        "SELECT user_id, count(*) AS n FROM orders GROUP BY user_id WITH ROLLUP": [[1, 2], [2, 1], [None, 3]],
        "SELECT 'a\\'b\\\\c' AS t": [["a'b\\c"]],
    },
    "postgres": {
        "SELECT to_char(DATE '2025-03-09', 'YYYY-MM') AS m": [["2025-03"]],
        "SELECT date_trunc('month', TIMESTAMP '2025-03-09 10:00:00') AS m": [["2025-03-01 00:00:00"]],
        "SELECT (DATE '2025-03-09' - INTERVAL '7 days')::date AS d, extract(year FROM DATE '2025-03-09')::int AS y": [
            ["2025-03-02", 2025],
        ],
        "SELECT string_agg(name, '; ' ORDER BY id) AS g FROM users": [["Ann; Bo; 王芳"]],
        "SELECT name FROM users WHERE name ILIKE 'aNN' OR name ~ '^B' ORDER BY id": [["Ann"], ["Bo"]],
        "SELECT count(*) FILTER (WHERE price > 9) AS n FROM orders": [[2]],
        "SELECT DISTINCT ON (user_id) user_id, price FROM orders ORDER BY user_id, price DESC": [[1, 20], [2, 5.25]],
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS m FROM orders": [[9.5]],
        "SELECT '12'::numeric + 3 AS n, split_part('a,b', ',', 2) AS s, position('b' IN 'abc') AS p": [[15, "b", 2]],
        "SELECT 'a\\b' AS t, note FROM orders WHERE note = '100% \\wool'": [["a\\b", "100% \\wool"]],
        "SELECT name FROM users FETCH FIRST 1 ROW ONLY": [["Ann"]],
        "SELECT now() > DATE '2020-01-01' AS later, lpad('7', 3, '0') AS p, make_date(2025, 3, 9) AS d": [
            [True, "007", "2025-03-09"],
        ],
        "SELECT user_id, count(*) AS n FROM orders GROUP BY ROLLUP (user_id) ORDER BY n, user_id": [[2, 1], [1, 2], [None, 3]],
        "SELECT (TIMESTAMP '2025-03-09 10:00:00' AT TIME ZONE 'UTC') AT TIME ZONE 'Asia/Shanghai' AS t": [
            ["2025-03-09 18:00:00"],
        ],
    },
    "sqlite": {
        "SELECT strftime('%Y-%m', '2025-03-09') AS m, date('2025-03-09', '-7 days') AS d": [["2025-03", "2025-03-02"]],
        "SELECT group_concat(name, '; ') AS g, total(id) AS t FROM users": [["Ann; Bo; 王芳", 6.0]],
        "SELECT julianday('2025-03-09') - julianday('2025-03-02') AS d, iif(1, 'y', 'n') AS c": [[7.0, "y"]],
        "SELECT CAST('12' AS INTEGER) + 3 AS n, instr('abc', 'b') AS p, 'a' || 'b' AS c": [[15, 2, "ab"]],
        'SELECT name FROM users WHERE name = "Ann"': [["Ann"]],
        "SELECT name FROM users WHERE name GLOB 'A*'": [["Ann"]],
    },
    "duckdb": {
        "SELECT strftime(DATE '2025-03-09', '%Y-%m') AS m, date_diff('day', DATE '2025-03-02', DATE '2025-03-09') AS d": [
            ["2025-03", 7],
        ],
        "SELECT string_agg(name, '; ' ORDER BY id) AS g, median(id) AS m FROM users": [["Ann; Bo; 王芳", 2.0]],
        "SELECT date_trunc('month', DATE '2025-03-09') AS m, year(DATE '2025-03-09') AS y": [
            ["2025-03-01 00:00:00", 2025],
        ],
        "SELECT user_id, price FROM orders QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY price DESC) = 1 ORDER BY 1": [
            [1, 20], [2, 5.25],
        ],
        "FROM users SELECT name WHERE id = 1": [["Ann"]],
        "SELECT arg_max(name, id) AS n, quantile_cont(id, 0.5) AS q, count(*) FILTER (WHERE id > 1) AS c FROM users": [
            ["王芳", 2.0, 2],
        ],
    },
}  # fmt: skip


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


def make_shop(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where a database of that kind holds the shop."""
    if dialect == "sqlite":
        return str(make_sqlite(tmp_path / "shop.sqlite"))
    if dialect == "duckdb":
        path = tmp_path / "shop.duckdb"
        with duckdb.connect(str(path)) as connection:
            for statement in FILL:
                connection.execute(statement)
        return str(path)
    server: Server = request.getfixturevalue("mariadb_server" if dialect == "mysql" else "postgresql_server")
    names = [f"shop.{name}" if dialect == "mysql" else name for name in ("orders", "users")]
    server.run(*(f"DROP TABLE IF EXISTS {name}" for name in names))
    fill = [statement.replace("\\", "\\\\") for statement in FILL] if dialect == "mysql" else FILL
    server.run(*(["USE shop"] if dialect == "mysql" else []), *fill)
    return server.url


def rounded(rows: list[list[Any]]) -> list[list[Any]]:
    return [[round(value, 2) if isinstance(value, float) else value for value in row] for row in rows]
