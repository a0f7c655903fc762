"""A query -> rows of plain values, within limits of time, rows and size.

The guard judges the query first. A query that nobody waits for any more is stopped on the server.
Every statement that was to run is written to `data/audit.jsonl` of the workspace: who asked, when,
what, and the verdict.
"""

from __future__ import annotations

import getpass
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from agents.databases.cells import cut_cells
from agents.databases.database import open_session
from agents.databases.guard.columns import Mend
from agents.databases.guard.guard import Verdict, judge
from agents.databases.guard.refused import Refused
from agents.databases.schema import Schema
from agents.databases.session import Rows, Session
from agents.databases.sources import DataSource
from agents.databases.values import plain_size, plain_value
from workbench.errors import Stopped, WorkbenchError
from workbench.settings import Settings

LARGEST_RESULT = 50_000_000  # characters
FETCHED = 500  # rows at a time
BEAT = 0.1  # seconds between two looks at a running query
GRACE = 5  # seconds that a stopped query may take to end


@dataclass(frozen=True)
class Result:
    """`rows` hold only what JSON has; `truncated` says that there is more than was fetched."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool
    seconds: float = 0.0


def ask_database(
    sql: str, schema: Schema, source: DataSource, settings: Settings, mend: Mend | None = None
) -> tuple[Verdict, Result]:
    """Judge a query and run it; raises Refused, QueryFailed, Stopped or Unavailable."""
    running = begin(sql, schema, source, settings, mend)
    for _ in running.wait():
        pass
    return running.verdict, running.result()


def begin(
    sql: str, schema: Schema, source: DataSource, settings: Settings, mend: Mend | None = None
) -> Running:
    """Judge a query and start it in a thread of its own; raises Refused."""
    try:
        verdict = judge(sql, schema, rows=settings.query_rows, mend=mend)
    except Refused as refusal:
        audit(settings, source, sql, "refused", problem=refusal.problem)
        raise
    return Running(sql, verdict, source, settings)


class Running:
    """A query on its way, in a thread of its own. Leaving `wait` early stops it on the server."""

    def __init__(
        self, asked: str, verdict: Verdict, source: DataSource, settings: Settings
    ) -> None:
        self.verdict = verdict
        self._asked = asked
        self._source = source
        self._settings = settings
        self._session: Session | None = None
        self._stopped = False
        self._begun = time.monotonic()
        pool = ThreadPoolExecutor(1, f"query-{source.name}")
        self._result = pool.submit(self._run)
        pool.shutdown(wait=False)

    def wait(self) -> Iterator[None]:
        """A beat now and then, until the query ends.

        A query whose time is over is stopped; `result` then raises Stopped.
        """
        try:
            while not self._ended(BEAT):
                yield
                # the server ends the query itself at its limit; a second later it is stopped
                if time.monotonic() - self._begun > self._settings.query_seconds + 1:
                    break
        finally:
            if not self._result.done():
                self.stop()

    def stop(self) -> None:
        """End the query on the server, also one that is only about to begin."""
        self._stopped = True
        session = self._session  # the other thread may take it away meanwhile
        if session is not None:
            session.stop()

    def result(self) -> Result:
        """The rows of the query; raises what it failed with, or Stopped."""
        if not self._ended(GRACE):
            raise Stopped(
                "The query does not end.", "Look at the server; ask again when it answers."
            )
        return self._result.result()

    def _ended(self, seconds: float) -> bool:
        return bool(wait([self._result], seconds).done)

    def _run(self) -> Result:
        facts: dict[str, Any] = {"ran": self.verdict.more or self.verdict.sql}
        outcome = "failed"
        try:
            seconds = self._settings.query_seconds
            with open_session(self._source, self._settings, seconds) as session:
                self._session = session
                if self._stopped:
                    raise Stopped("The query was stopped.")
                result = _fetch(session, self.verdict, self._begun)
            outcome = "ran"
            facts |= {"rows": len(result.rows), "seconds": round(result.seconds, 3)}
            return result
        except WorkbenchError as error:
            outcome = "stopped" if isinstance(error, Stopped) else "failed"
            facts["problem"] = error.problem
            raise
        finally:
            self._session = None
            audit(self._settings, self._source, self._asked, outcome, **facts)


def _fetch(session: Session, verdict: Verdict, begun: float) -> Result:
    columns: list[str] = []
    rows: list[list[Any]] = []
    size = 0
    cut = cut_cells(session, verdict.more or verdict.sql)
    with session.cursor(cut.sql, stream=True) as found:
        columns = _distinct(list(cut.names or found.keys()))
        for row in _each(found):
            cells = [plain_value(value) for value in cut.cells(row)]
            rows.append(cells)
            size += plain_size(cells)
            if size > LARGEST_RESULT:
                break
    truncated = size > LARGEST_RESULT or len(rows) > verdict.limit
    return Result(columns, rows[: verdict.limit], truncated, time.monotonic() - begun)


def _each(found: Rows) -> Iterator[Any]:
    while chunk := found.fetchmany(FETCHED):
        yield from chunk


def _distinct(names: list[str]) -> list[str]:
    """Column names of which no two are the same, as a join without aliases may give."""
    found: list[str] = []
    for name in names:
        free = name
        number = 2
        while free in found:
            free = f"{name} ({number})"
            number += 1
        found.append(free)
    return found


def audit(settings: Settings, source: DataSource, sql: str, verdict: str, **facts: Any) -> None:
    """One line in the audit log, in one write, so that lines of several processes do not mix."""
    line: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "who": _who(),
        "source": source.name,
        "verdict": verdict,
        "sql": sql,
    }
    data = json.dumps(line | facts, ensure_ascii=False) + "\n"
    path = settings.folder("data") / "audit.jsonl"
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(log, data.encode())
    finally:
        os.close(log)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user of that number
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
