"""Hostile statements on a real database: what passes the guard is run, and what it did."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil
from database_servers import READER
from databases import digest, shop_schema

from agents.databases.database import open_session
from agents.databases.guard.refused import Refused
from agents.databases.runner import ask_database
from agents.databases.sources import DataSource
from workbench.errors import WorkbenchError
from workbench.settings import Settings

ACCOUNTS = (READER, "postgres", "root")
SERVER_PROCESSES = ("mariadbd", "postgres")


@dataclass
class Outcome:
    """`memory` is the most bytes that the client and its children held beyond what they had."""

    judged: int = 0
    ran: int = 0
    slowest: float = 0.0
    slowest_sql: str = ""
    memory: int = 0
    unchanged: bool = False
    revealed: int = 0


class Memory:
    """How much this process and its children grow together, watched in a thread."""

    def __init__(self) -> None:
        self._first = held()
        self._most = self._first
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self._most = max(self._most, held())

    def end(self) -> int:
        self._ended.set()
        self._watcher.join()
        return self._most - self._first


def held() -> int:
    """Bytes of this process and its children, without the database servers among them."""
    total = 0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            if not process.name().startswith(SERVER_PROCESSES):
                total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def run_hostile(source: DataSource, settings: Settings, statements: Iterable[str]) -> Outcome:
    """Ask every statement as a person would; what is refused never reaches the database."""
    schema = shop_schema(source.dialect)
    before = contents(source, settings)
    memory, outcome = Memory(), Outcome()
    for statement in statements:
        outcome.judged += 1
        begun = time.monotonic()
        try:
            _, result = ask_database(statement, schema, source, settings)
            shown = " ".join(str(cell) for row in result.rows for cell in row)
            outcome.revealed += any(account in shown for account in ACCOUNTS)
            outcome.ran += 1
        except Refused as refusal:
            assert refusal.problem and refusal.fix
        except WorkbenchError:
            outcome.ran += 1
        seconds = time.monotonic() - begun
        if seconds > outcome.slowest:
            outcome.slowest, outcome.slowest_sql = seconds, statement[:200]
    outcome.memory = memory.end()
    outcome.unchanged = contents(source, settings) == before
    return outcome


def contents(source: DataSource, settings: Settings) -> str:
    """A checksum of the shop's tables."""
    with open_session(source, settings, 30) as session:
        rows = [*session.fetch("SELECT * FROM users"), *session.fetch("SELECT * FROM orders")]
    return digest([tuple(row) for row in rows])
