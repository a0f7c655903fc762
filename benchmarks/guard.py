"""The guard's speed and verdicts: analysts' and gold queries pass, hostile lines are judged.

python benchmarks/guard.py    reads ../shared/data; starts MariaDB and PostgreSQL; about 3 minutes

A hostile line is judged whole, in a literal and as a number. The second table tells what hostile
statements did that passed and ran on writable databases (guard_stops.py).
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from guard_stops import print_stops

from agents.databases.guard.guard import DIALECTS, judge
from agents.databases.guard.refused import Refused
from agents.databases.schema import Column, Schema, TableSchema

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
TABLES = [
    "users",
    "user",
    "orders",
    "products",
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
]
COLUMNS = [
    "id",
    "name",
    "username",
    "password",
    "a",
    "b",
    "c",
    "d",
    "x",
    "y",
    "z",
    "value",
    "price",
    "date",
]


def judge_all(statements: Iterator[tuple[str, Schema]]) -> tuple[int, int, list[float]]:
    """(judged, allowed, seconds of each verdict)."""
    allowed, seconds = 0, []
    for sql, schema in statements:
        begun = time.perf_counter()
        try:
            judge(sql, schema)
            allowed += 1
        except Refused:
            pass
        seconds.append(time.perf_counter() - begun)
    return len(seconds), allowed, seconds


def gold() -> Iterator[tuple[str, Schema]]:
    from linking import read_schema

    schemas: dict[Path, Schema] = {}
    for folder, name in (
        ("nl2sql_spider", "questions.jsonl"),
        ("nl2sql_chase_zh", "interactions.jsonl"),
    ):
        for line in (SHARED / folder / name).read_text("utf-8").splitlines():
            entry = json.loads(line)
            path = SHARED / folder / "database" / entry["db_id"] / f"{entry['db_id']}.sqlite"
            schema = schemas.setdefault(path, read_schema(path))
            for turn in entry.get("turns", [entry]):
                yield turn["gold_sql"], schema


def print_refused(dialect: str) -> None:
    """The share of analysts' queries that is refused, and the reasons with their counts."""
    from analyst_shop import analyst_schema, queries

    schema, reasons, asked = analyst_schema(dialect), Counter[str](), queries(dialect)
    for sql in asked:
        try:
            judge(sql, schema)
        except Refused as refusal:
            reasons[str(refusal.problem)] += 1
    share = reasons.total() / len(asked)
    print(f"analysts' {dialect}: {reasons.total()} of {len(asked)} refused, {share:.1%}")
    for reason, count in reasons.most_common():
        print(f"{count:>6}  {reason}")


def hostile(dialect: str) -> Iterator[tuple[str, Schema]]:
    schema = Schema(
        dialect, tuple(TableSchema(name, tuple(map(Column, COLUMNS))) for name in TABLES), "main"
    )
    folder = SHARED / "hostile"
    for line in (folder / "sql_dialect_statements.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)["sql"], schema
    for line in (folder / "sqli_payloads.jsonl").read_text("utf-8").splitlines():
        payload = json.loads(line)["payload"]
        for text in (
            "{}",
            "SELECT * FROM users WHERE name = '{}'",
            "SELECT * FROM users WHERE id = {}",
        ):
            yield text.replace("{}", payload), schema


def print_verdicts() -> None:
    if not SHARED.is_dir():
        print("../shared/data is not beside this clone")
        return
    print(f"{'':<18}{'judged':>8}{'allowed':>9}{'median ms':>11}{'99 % ms':>9}")
    for name, statements in [
        ("gold", gold()),
        *((f"hostile {dialect}", hostile(dialect)) for dialect in DIALECTS),
    ]:
        judged, allowed, seconds = judge_all(statements)
        usual = statistics.median(seconds) * 1e3
        late = statistics.quantiles(seconds, n=100)[98] * 1e3
        print(f"{name:<18}{judged:>8}{allowed:>9}{usual:>11.2f}{late:>9.2f}")


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    for dialect in DIALECTS:
        print_refused(dialect)
    print_verdicts()
    print_stops()


if __name__ == "__main__":
    main()
