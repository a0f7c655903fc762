"""Hostile statements on real, writable databases: what passes the guard is run, and what it did.

python benchmarks/guard_stops.py    starts MariaDB and PostgreSQL; about two minutes

Each line: how many statements were judged and how many ran, the longest time of one, the most
memory that this process and its children held, whether the tables are as they were, and how many
answers held an account's name.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from database_servers import READER, mariadb, postgresql
from databases import FILL, digest, make_sqlite, shop_schema
from hostile_kinds import hostile_kinds
from hostile_sql import hostile

from agents.databases.database import open_session
from agents.databases.guard.guard import DIALECTS
from agents.databases.runner import ask_database
from agents.databases.sources import DataSource, add_source
from workbench.errors import WorkbenchError
from workbench.settings import Settings

SECONDS = 3.0  # that a query may take here
ACCOUNTS = (READER, "postgres", "root")


class Memory:
    """The most bytes that this process and its children held together, watched in a thread."""

    def __init__(self) -> None:
        self.most = 0
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            total = 0
            for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
                try:
                    if not process.name().startswith(("mariadbd", "postgres")):
                        total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.most = max(self.most, total)

    def end(self) -> int:
        self._ended.set()
        return self.most


def run_all(source: DataSource, settings: Settings, statements: list[str]) -> dict[str, Any]:
    """Ask every statement as a person would; what is refused never reaches the database."""
    schema = shop_schema(source.dialect)
    before = contents(source, settings)
    memory, ran, slowest, revealed = Memory(), 0, 0.0, 0
    for statement in statements:
        begun = time.monotonic()
        try:
            _, result = ask_database(statement, schema, source, settings)
            ran += 1
            shown = " ".join(str(cell) for row in result.rows for cell in row)
            revealed += any(account in shown for account in ACCOUNTS)
        except WorkbenchError:
            pass
        slowest = max(slowest, time.monotonic() - begun)
    return {
        "judged": len(statements),
        "ran": ran,
        "slowest s": round(slowest, 2),
        "memory MB": memory.end() // 1_000_000,
        "unchanged": contents(source, settings) == before,
        "revealed": revealed,
    }


def contents(source: DataSource, settings: Settings) -> str:
    """A checksum of the shop's tables."""
    with open_session(source, settings, 30) as session:
        rows = [*session.fetch("SELECT * FROM users"), *session.fetch("SELECT * FROM orders")]
    return digest([tuple(row) for row in rows])


@contextmanager
def databases(settings: Settings, folder: Path) -> Iterator[list[DataSource]]:
    """The shop in the four kinds of database, each writable by whoever reaches it."""
    import duckdb

    with ExitStack() as stack:
        maria, postgres = stack.enter_context(mariadb()), stack.enter_context(postgresql())
        escaped = [line.replace("\\", "\\\\") for line in FILL]
        maria.run("USE shop", *escaped)
        postgres.run(*FILL)
        duck = folder / "shop.duckdb"
        with duckdb.connect(str(duck)) as connection:
            for statement in FILL:
                connection.execute(statement)
        lite = make_sqlite(folder / "shop.sqlite")
        places = {"mysql": maria.url, "postgres": postgres.url, "lite": lite, "duck": duck}
        yield [add_source(settings, name, str(place)) for name, place in places.items()]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(home=Path(name) / "home", query_seconds=SECONDS)
        with databases(settings, Path(name)) as sources:
            assert {source.dialect for source in sources} == set(DIALECTS)
            for source in sources:
                made = [sql for _, sql in hostile_kinds(source.dialect)]
                facts = run_all(source, settings, [*hostile(source.dialect), *made])
                print(source.dialect, *(f"{key}: {value}" for key, value in facts.items()))


if __name__ == "__main__":
    main()
