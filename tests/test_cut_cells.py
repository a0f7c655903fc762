"""Long cells are cut before they leave a server; what is short comes as it always did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from databases import SERVERS

from agents.databases.cells import Cut, cut_cells
from agents.databases.database import open_session
from agents.databases.guard.guard import Verdict
from agents.databases.runner import Result, _fetch
from agents.databases.session import Session
from agents.databases.sources import add_source
from agents.databases.values import LONGEST_CELL, plain_value
from workbench.settings import Settings

VALUES = {
    "mysql": """SELECT 1 AS one, 1.50 AS price, 1e3 AS large, NULL AS nothing, TRUE AS yes,
        DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:30:00' AS moment, 'text' AS word,
        CAST('王芳' AS CHAR(5000)) AS name, CAST('blob' AS BINARY(9000)) AS picture,
        JSON_OBJECT('a', JSON_ARRAY(1, 'é')) AS facts, 'again' AS word, COUNT(*) LIMIT 5""",
    "postgres": """SELECT 1 AS one, 1.50 AS price, 1e3 AS large, NULL AS nothing, true AS yes,
        DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:30:00' AS moment, 'text' AS word,
        '王芳'::text AS name, 'blob'::bytea AS picture, INTERVAL '1 day' AS wait,
        '{"a":  [1, "é"], "b": null}'::json AS facts, '"quoted"'::jsonb AS said,
        ARRAY['x', 'y'] AS tags, ARRAY[1.5, NULL] AS numbers, ARRAY[DATE '2024-01-01'] AS days,
        'again' AS word, ROW(1, 'a') AS pair, int4range(1, 5) AS span, count(*) LIMIT 5""",
}
ORDERED = "SELECT t FROM ({rows}) AS q ORDER BY t DESC LIMIT 3"
ROWS = " UNION ALL ".join(f"SELECT '{letter}' AS t" for letter in "cabed")
LONG = {
    "mysql": "SELECT REPEAT('é', 50000) AS t, CAST(REPEAT('b', 50000) AS BINARY) AS b LIMIT 5",
    "postgres": """SELECT repeat('é', 50000) AS t, repeat('b', 50000)::bytea AS b,
        to_jsonb(repeat('j', 50000)) AS j, array_fill('x'::text, ARRAY[50000]) AS a LIMIT 5""",
}


def fetch(session: Session, sql: str) -> Result:
    return _fetch(session, Verdict(sql, None, 1_000, frozenset(), frozenset()), 0.0)


def uncut(session: Session, sql: str) -> list[list[Any]]:
    with session.cursor(sql) as rows:
        return [[plain_value(value) for value in row] for row in rows.fetchall()]


@pytest.mark.parametrize("dialect", SERVERS)
def test_what_is_short_comes_as_it_is_and_what_is_long_is_cut_on_the_server(
    dialect: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    name = "mariadb_server" if dialect == "mysql" else "postgresql_server"
    source = add_source(settings, "cells", request.getfixturevalue(name).url)
    with open_session(source, settings, 10) as session:
        for sql in (VALUES[dialect], ORDERED.format(rows=ROWS), "SELECT 1 AS a LIMIT 2"):
            sql = " ".join(sql.split())
            result = fetch(session, sql)
            assert result.rows == uncut(session, sql)
        assert result.columns == ["a"]
        names = fetch(session, " ".join(VALUES[dialect].split())).columns
        assert names[:3] == ["one", "price", "large"] and "word (2)" in names
        wrapped = fetch(session, f"SELECT t FROM ({ROWS}) AS q ORDER BY t LIMIT 4")
        assert [cell for (cell,) in wrapped.rows] == ["a", "b", "c", "d"]
        sql = " ".join(LONG[dialect].split())
        cut = cut_cells(session, sql)
        with session.cursor(cut.sql) as rows:
            sent = rows.fetchall()[0]
        assert max(len(cell) for cell in sent if cell is not None) == LONGEST_CELL + 1
        texts = slice(0, 2)  # JSON and lists are cut in the server's own form
        assert fetch(session, sql).rows[0][texts] == uncut(session, sql)[0][texts]


@pytest.mark.postgresql
def test_the_client_holds_little_of_cells_of_60_megabytes(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    source = add_source(settings, "large", request.getfixturevalue("postgresql_server").url)
    query = "SELECT repeat('a', 60000000) || id AS t FROM generate_series(1, 8) AS s(id) LIMIT 8"
    memory_peak()
    before = memory_peak()
    with open_session(source, settings, 60) as session:
        result = fetch(session, query)
    assert memory_peak() - before < 50_000_000
    assert len(result.rows) == 8 and len(result.rows[0][0]) == LONGEST_CELL + 1


def memory_peak() -> int:
    """The most bytes that this process has held since it was asked the last time."""
    words = Path("/proc/self/status").read_text("utf-8").split()
    peak = int(words[words.index("VmHWM:") + 1]) * 1024
    Path("/proc/self/clear_refs").write_text("5", "utf-8")
    return peak


def test_a_row_with_a_text_in_place_of_a_long_value_is_put_together() -> None:
    cut = Cut("", ["a", "b"], {1: 2})
    assert cut.cells([1, [2], None]) == [1, [2]]
    assert cut.cells([1, None, "[2, 3"]) == [1, "[2, 3"]
    assert replace(cut, names=()).cells([1, 2]) == [1, 2]
