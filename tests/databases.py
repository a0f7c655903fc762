"""The same small shop in every kind of database, and a checksum that shows any change in it."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from database_servers import Server

from agents.databases.schema import Column, Schema, TableSchema

USERS = ("id", "name", "password")
ORDERS = ("id", "user_id", "price", "note")
NAMESPACE = {"mysql": "shop", "postgres": "public", "sqlite": "main", "duckdb": "main"}
SERVERS = [
    pytest.param("mysql", marks=pytest.mark.mariadb),
    pytest.param("postgres", marks=pytest.mark.postgresql),
]
KINDS = [*SERVERS, "sqlite", "duckdb"]
FILL = [
    "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40), password VARCHAR(40))",
    "CREATE TABLE orders (id INT PRIMARY KEY, user_id INT REFERENCES users (id), price DECIMAL(8, "
    "2), note VARCHAR(40))",
    "INSERT INTO users VALUES (1, 'Ann', 'a'), (2, 'Bo', 'b'), (3, '王芳', 'c')",
    "INSERT INTO orders VALUES (1, 1, 9.50, 'gift'), (2, 1, 20.00, NULL), (3, 2, 5.25, '100% "
    "\\wool')",
]


def shop_schema(dialect: str, more: tuple[str, ...] = ()) -> Schema:
    """What is known of the shop; `more` are further tables with the same columns as `users`."""
    tables = [("users", USERS), ("orders", ORDERS), *((name, USERS) for name in more)]
    return Schema(
        dialect,
        tuple(TableSchema(name, tuple(map(Column, names))) for name, names in tables),
        NAMESPACE[dialect],
    )


def make_sqlite(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        for statement in FILL:
            connection.execute(statement)
    connection.close()
    return path


def digest(rows: list[Any]) -> str:
    """A fingerprint of rows, and of the names of all tables."""
    return hashlib.sha256(repr(sorted(map(str, rows))).encode()).hexdigest()


def make_duckdb(path: Path) -> Path:
    """The same shop in a new DuckDB file."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for statement in FILL:
            connection.execute(statement)
    return path


def fill_of(dialect: str) -> list[str]:
    """The statements of `FILL`; in MySQL a backslash in a text is written twice."""
    if dialect != "mysql":
        return FILL
    return [statement.replace("\\", "\\\\") for statement in FILL]


def make_shop(dialect: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """The place of a shop that its user may write to: a new file, or made again on the server."""
    if dialect == "sqlite":
        return str(make_sqlite(folder / "shop.sqlite"))
    if dialect == "duckdb":
        return str(make_duckdb(folder / "shop.duckdb"))
    kind = "mariadb_server" if dialect == "mysql" else "postgresql_server"
    server: Server = request.getfixturevalue(kind)
    first = ["USE shop"] if dialect == "mysql" else []
    drop = ["DROP TABLE IF EXISTS orders", "DROP TABLE IF EXISTS users"]
    server.run(*first, *drop, *fill_of(dialect))
    return server.url
