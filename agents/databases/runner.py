"""A query -> rows of plain values, within limits of time, rows and size.

The guard judges the query first. A query that nobody waits for any more is stopped on the server.
Every statement that was to run is in the audit log.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from agents.databases.audit import audit
from agents.databases.database import Rows, Session, open_session
from agents.databases.guard.guard import Verdict, judge
from agents.databases.guard.names import Mend
from agents.databases.guard.refused import Refused
from agents.databases.schema import Schema
from agents.databases.sources import DataSource
from workbench.errors import Stopped, WorkbenchError
from workbench.settings import Settings

LONGEST_CELL = 2_000  # characters
LARGEST_RESULT = 50_000_000  # characters
NUMBER_SIZE = 8  # what a cell without text counts
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
    with session.cursor(verdict.more or verdict.sql, stream=True) as found:
        columns = _distinct(list(found.keys()))
        for row in _each(found):
            cells = [plain_value(value) for value in row]
            rows.append(cells)
            size += sum(len(cell) if isinstance(cell, str) else NUMBER_SIZE for cell in cells)
            if size > LARGEST_RESULT:
                break
    truncated = size > LARGEST_RESULT or len(rows) > verdict.limit
    return Result(columns, rows[: verdict.limit], truncated, time.monotonic() - begun)


def _each(found: Rows) -> Iterator[Any]:
    while chunk := found.fetchmany(FETCHED):
        yield from chunk


def plain_value(value: Any) -> Any:
    """A cell as JSON has it.

    Numbers stay exact where JSON can hold them, dates become ISO text, long text is cut, and of a
    blob only its size stays.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return _number(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    text = str(value)
    if isinstance(value, list | dict):
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"


def _number(value: decimal.Decimal) -> int | float | str | None:
    if not value.is_finite():
        return None
    if value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    short = float(value)
    return short if decimal.Decimal(repr(short)) == value else str(value)


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
