"""Unknown names are mended and reported where the meaning is certain, and otherwise left alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from databases import shop_schema

from agents.databases.guard.guard import judge
from agents.databases.guard.repair import Mender
from agents.databases.schema import Column, ForeignKey, Schema, TableSchema

USERS = TableSchema("users", tuple(map(Column, ("id", "name", "city"))))
ORDERS = TableSchema(
    "orders",
    (
        Column("id"),
        Column("user_id"),
        Column("price", comment="订单金额"),
        Column("note", synonyms=("remark",)),
    ),
    foreign_keys=(ForeignKey("user_id", "users", "id"),),
)
SCHEMA = Schema("sqlite", (USERS, ORDERS), "main")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("SELECT nmae FROM users", "SELECT name FROM users"),
        ("SELECT name FROM user", "SELECT name FROM users"),
        ("SELECT 订单金额 FROM orders", "SELECT price FROM orders"),
        ("SELECT remark FROM orders", "SELECT note FROM orders"),
        (
            "SELECT o.name FROM users u JOIN orders o ON o.user_id = u.id",
            "SELECT u.name FROM users u JOIN orders o ON o.user_id = u.id",
        ),
        ("SELECT users.name FROM users AS u", "SELECT u.name FROM users AS u"),
        ("SELECT price, note FROM users", "SELECT price, note FROM orders"),
        (
            "SELECT sum(price) FROM orders WHERE city = 'X'",
            "SELECT sum(orders.price) FROM orders JOIN users ON orders.user_id = users.id WHERE "
            "users.city = 'X'",
        ),
        (
            "SELECT name FROM users WHERE id IN (SELECT usr_id FROM orders)",
            "SELECT name FROM users WHERE id IN (SELECT user_id FROM orders)",
        ),
        (
            "SELECT u.name FROM users u JOIN orders o ON o.user_id = o.idd",
            "SELECT u.name FROM users u JOIN orders o ON o.user_id = o.id",
        ),
    ],
)
def test_a_name_is_mended_to_the_one_that_was_meant(wrong: str, right: str) -> None:
    mender = Mender(SCHEMA)
    assert judge(mender.mend(wrong), SCHEMA).sql == judge(right, SCHEMA).sql
    assert mender.changes


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT salary FROM users",
        "SELECT name FROM weather",
        "DROP TABLE users",
        "SELECT sleep(5) FROM users",
        "",
        "SELECT name, price FROM users, orders WHERE nothing = 1",
    ],
)
def test_what_cannot_be_mended_for_certain_stays_as_it_was(sql: str) -> None:
    mender = Mender(SCHEMA)
    assert mender.mend(sql) == sql and not mender.changes


def test_a_right_query_is_not_touched() -> None:
    mender = Mender(SCHEMA)
    sql = "select NAME from Users where name = 'nmae'"
    assert mender.mend(sql) == sql and not mender.changes


def test_two_names_that_are_as_near_are_not_guessed_between() -> None:
    schema = replace(SCHEMA, tables=(TableSchema("t", (Column("price_a"), Column("price_b"))),))
    assert Mender(schema).mend("SELECT price_ FROM t") == "SELECT price_ FROM t"


def test_a_mended_query_is_still_judged() -> None:
    assert (
        Mender(shop_schema("mysql")).mend("SELECT SLEEP(5), nmae FROM users")
        == "SELECT SLEEP(5), nmae FROM users"
    )


@pytest.mark.data
def test_nine_of_ten_broken_gold_queries_are_mended_to_the_gold_result(shared_data: Path) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
    from repair import KINDS, measure

    found = measure(seed=5)
    mended, broken = (sum(pair[side] for pair in found.values()) for side in (0, 1))
    assert set(found) == set(KINDS) and broken > 1000
    assert mended / broken >= 0.9
