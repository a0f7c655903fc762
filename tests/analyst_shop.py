"""A small shop with the types that analysts meet, in every kind of database, and their queries."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import duckdb

from agents.databases.schema import Column, Schema, TableSchema

FOLDER = Path(__file__).parent / "analyst_queries"
NAMESPACE = {"mysql": "analyst", "postgres": "analyst", "sqlite": "main", "duckdb": "main"}
# what a column of lists, of JSON and of structs is called by each dialect
TYPES = {
    "mysql": {"LIST": "TEXT", "JSON": "JSON", "TIMESTAMP": "DATETIME"},
    "postgres": {"LIST": "TEXT[]", "JSON": "JSONB"},
    "sqlite": {"LIST": "TEXT", "JSON": "TEXT"},
    "duckdb": {"LIST": "VARCHAR[]", "JSON": "JSON"},
}
TABLES = {
    "customers": (
        "id INT PRIMARY KEY; name VARCHAR(40); city VARCHAR(40); country VARCHAR(2); signup DATE;"
        " email VARCHAR(60); tags LIST; profile JSON"
    ),
    "products": ("id INT PRIMARY KEY; name VARCHAR(40); category VARCHAR(20); price DECIMAL(8, 2)"),
    "orders": (
        "id INT PRIMARY KEY; customer_id INT; ordered_at TIMESTAMP; status VARCHAR(20);"
        " total DECIMAL(8, 2); note VARCHAR(40)"
    ),
    "items": (
        "id INT PRIMARY KEY; order_id INT; product_id INT; quantity INT; unit_price DECIMAL(8, 2)"
    ),
    "employees": ("id INT PRIMARY KEY; name VARCHAR(40); manager_id INT; salary INT; hired DATE"),
    "events": (
        "id INT PRIMARY KEY; customer_id INT; kind VARCHAR(20); seen TIMESTAMP; payload JSON"
    ),
}
CUSTOMERS = [
    "1, 'Ann', 'Amsterdam', 'NL', '2023-01-15', 'ann@example.com', {vip new},"
    ' \'{"plan": "pro", "age": 31, "address": {"street": "Dam 1"}}\'',
    "2, 'Ben', 'Berlin', 'DE', '2023-06-01', 'ben@example.org', {new},"
    ' \'{"plan": "free", "age": 45, "address": {"street": "Ring 2"}}\'',
    "3, 'Chen', 'Rotterdam', 'NL', '2024-02-29', 'chen@mail.cn', {vip},"
    ' \'{"plan": "pro", "address": {"street": "Kade 3"}}\'',
    "4, 'Dora', 'Hamburg', 'DE', NULL, 'dora_x@example.com', {old},"
    ' \'{"plan": "free", "age": 22, "address": {"street": "Hafen 4"}}\'',
]
ROWS = {
    "products": [
        "1, 'Desk lamp', 'light', 19.90",
        "2, 'Floor lamp', 'light', 59.00",
        "3, 'Oak desk', 'desk', 240.00",
        "4, 'Pen', 'paper', 1.50",
        "5, 'Note book', 'paper', 4.25",
    ],
    "orders": [
        "1, 1, '2024-01-03 09:15:00', 'paid', 20.00, 'gift'",
        "2, 1, '2024-01-20 17:40:00', 'shipped', 120.50, NULL",
        "3, 2, '2024-01-20 18:00:00', 'paid', 59.00, NULL",
        "4, 3, '2024-02-11 08:05:00', 'open', 240.00, 'fragile'",
        "5, 3, '2024-03-01 12:00:00', 'paid', 5.75, NULL",
        "6, 1, '2024-03-02 23:59:00', 'paid', 55.00, NULL",
    ],
    "items": [
        "1, 1, 1, 1, 19.90",
        "2, 2, 2, 2, 59.00",
        "3, 3, 2, 1, 59.00",
        "4, 4, 3, 1, 240.00",
        "5, 5, 4, 3, 1.50",
        "6, 6, 5, 12, 4.25",
    ],
    "employees": [
        "1, 'Ina', NULL, 9000, '2015-01-01'",
        "2, 'Jan', 1, 7000, '2016-05-01'",
        "3, 'Kim', 1, 6500, '2018-09-01'",
        "4, 'Lou', 2, 5000, '2020-01-01'",
        "5, 'Mia', 2, 5000, '2021-01-01'",
        "6, 'Ann', 3, 4000, '2022-01-01'",
    ],
    "events": [
        "1, 1, 'buy', '2024-01-03 09:15:00',"
        ' \'{"items": [{"sku": "L1", "qty": 1}, {"sku": "P4", "qty": 3}]}\'',
        "2, 2, 'view', '2024-01-04 10:00:00', '{\"items\": []}'",
        '3, 9, \'buy\', \'2024-02-04 10:00:00\', \'{"items": [{"sku": "D3", "qty": 2}]}\'',
    ],
}


def statements(dialect: str) -> list[str]:
    """What makes the tables and fills them."""
    made = []
    for name, columns in TABLES.items():
        written = columns.replace(";", ",")
        for kind, own in TYPES[dialect].items():
            written = written.replace(f" {kind}", f" {own}")
        made.append(f"CREATE TABLE {name} ({written})")
    rows = [_with_list(row, dialect) for row in CUSTOMERS]
    for name, values in {"customers": rows, **ROWS}.items():
        made.append(f"INSERT INTO {name} VALUES ({'), ('.join(values)})")
    if dialect == "duckdb":
        made += [
            "ALTER TABLE customers ADD COLUMN address STRUCT(street VARCHAR, zip INT)",
            "UPDATE customers SET address = {'street': city || ' 1', 'zip': id * 10}",
        ]
    if dialect == "mysql":
        made.append("ALTER TABLE products ADD FULLTEXT (name)")
    return made


def _with_list(row: str, dialect: str) -> str:
    """A row with its {words} as the dialect writes a list."""
    before, rest = row.split("{", 1)
    words, after = rest.split("}", 1)
    texts = ", ".join(f"'{word}'" for word in words.split())
    written = {"postgres": f"ARRAY[{texts}]", "duckdb": f"[{texts}]"}
    as_json = "'[" + ", ".join(f'"{word}"' for word in words.split()) + "]'"
    return before + written.get(dialect, as_json) + after


def analyst_schema(dialect: str) -> Schema:
    """What is known of the shop."""
    tables = []
    for name, columns in TABLES.items():
        names = [column.split()[0] for column in columns.split(";")]
        if name == "customers" and dialect == "duckdb":
            names.append("address")
        tables.append(TableSchema(name, tuple(map(Column, names))))
    return Schema(dialect, tuple(tables), NAMESPACE[dialect])


def queries(dialect: str) -> list[str]:
    """The queries of all dialects, and those of one, a line each."""
    lines: list[str] = []
    for name in ("common", dialect):
        lines += (FOLDER / f"{name}.sql").read_text("utf-8").splitlines()
    return [line for line in lines if line.strip()]


def make_file(dialect: str, path: Path) -> Path:
    """The shop as a SQLite or DuckDB file."""
    connection: Any = sqlite3.connect(path) if dialect == "sqlite" else duckdb.connect(str(path))
    for statement in statements(dialect):
        connection.execute(statement)
    if dialect == "sqlite":
        connection.commit()
    connection.close()
    return path
