"""The guard bounds how large a value may become, and how long one search may take."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import shop_schema

from agents.databases.guard.guard import DIALECTS, judge
from agents.databases.guard.refused import Refused

QUERIES = tomllib.loads(Path(__file__).with_name("growth_queries.toml").read_text("utf-8"))


def nested(levels: int) -> str:
    """REPLACEs in each other, each of which makes the text ten times longer."""
    text = "'aaaaaaaaaa'"
    for _ in range(levels):
        text = f"replace({text}, 'a', 'aaaaaaaaaa')"
    return text


def queries(kind: str, dialect: str) -> Iterator[tuple[str, str]]:
    """(query, what the refusal must say) of the rows for that dialect."""
    big = f"replace({nested(5)}, 'a', 'aa')"
    for row in QUERIES[kind]:
        if dialect in row["on"].split():
            for sql in row["sql"]:
                yield sql.replace("{BIG}", big).replace("{HUGE}", nested(7)), row.get("why", "")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_grows_beyond_the_limit_is_refused_with_another_way(dialect: str) -> None:
    checked = 0
    for sql, why in queries("refused", dialect):
        with pytest.raises(Refused) as refused:
            judge(sql, shop_schema(dialect))
        assert re.search(why, refused.value.problem), sql
        assert refused.value.fix
        checked += 1
    assert checked > 12


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_an_analyst_writes_is_not_too_large(dialect: str) -> None:
    checked = 0
    for sql, _ in queries("allowed", dialect):
        judge(sql, shop_schema(dialect))
        checked += 1
    assert checked >= 8
