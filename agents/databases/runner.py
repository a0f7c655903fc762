"""A query -> rows of plain values, within limits of time, rows and size.

The guard judges the query first. A query that nobody waits for any more is stopped on the server.
Every statement that was to run is in the audit log.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import Any

from agents.databases.audit import audit
from agents.databases.cells import cut_cells
from agents.databases.database import open_session
from agents.databases.database_errors import too_slow
from agents.databases.guard.columns import Mend
from agents.databases.guard.guard import Verdict, judge
from agents.databases.guard.refused import Refused
from agents.databases.pausing import paused_sentence
from agents.databases.schema import Schema
from agents.databases.session import Rows, Session
from agents.databases.sources import DataSource
from agents.databases.values import plain_size, plain_value
from workbench.errors import Stopped, WorkbenchError
from workbench.messages import say
from workbench.settings import Settings

LARGEST_RESULT = 50_000_000  # characters
FETCHED = 512  # rows at a time, where they are small
SMALL = 1_000_000  # characters of the rows that are fetched at a time
BEAT = 0.1  # seconds between two looks at a running query
LATE = 0.4  # seconds after its time when a query is killed that its database has not ended
GRACE = 1.0  # seconds that a killed query may take to end


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
        self._ends: float | None = None  # when its time is over; None while it is being connected
        self._why: Stopped | None = None  # it was stopped, and this is what the person is told
        self._given_up = False
        self._result: Future[Result] = Future()
        # a daemon: a server that never answers must not keep the program from ending
        Thread(target=self._run, name=f"query-{source.name}", daemon=True).start()

    def wait(self) -> Iterator[None]:
        """A beat now and then, until the query ends.

        A query whose time is over is stopped; `result` then raises Stopped.
        """
        try:
            while not self._ended(BEAT):
                yield
                # the database ends the query itself at its limit; a little later it is killed
                if self._ends is not None and time.monotonic() > self._ends + LATE:
                    self._why = too_slow(self._settings.query_seconds)
                    break
        finally:
            if not self._result.done():
                self.stop()

    def stop(self) -> None:
        """End the query on the server, also one that is only about to begin."""
        self._why = self._why or Stopped("The query was stopped.")
        session = self._session  # the other thread may take it away meanwhile
        if session is not None:
            session.stop()

    def result(self) -> Result:
        """The rows of the query; raises what it failed with, or Stopped."""
        if not self._ended(GRACE):
            self._given_up = True
            stopped = self._unstoppable()
            audit(self._settings, self._source, self._asked, "stopped", problem=stopped.problem)
            raise stopped
        return self._result.result()

    def _ended(self, seconds: float) -> bool:
        return bool(wait([self._result], seconds).done)

    def _shown(self, error: WorkbenchError) -> WorkbenchError:
        """What a person is told about an error: a query that was killed ends with any of them."""
        if self._why is None:
            return error
        paused = paused_sentence(self._source, self._settings)
        return self._unstoppable() if paused else self._why

    def _unstoppable(self) -> Stopped:
        """What is said of a query that survives everything; the session pauses its source."""
        return Stopped(
            say(
                "The query took longer than {seconds:g} s and could not be ended: it still runs on "
                "the server of {name}, which is paused now.",
                seconds=self._settings.query_seconds,
                name=self._source.name,
            ),
            say(
                "Further questions wait until it ends. To ask at once: workbench data resume "
                "{name}",
                name=self._source.name,
            ),
        )

    def _run(self) -> None:
        try:
            self._result.set_result(self._audited())
        except BaseException as error:  # noqa: BLE001 – whoever asks for the result gets it
            self._result.set_exception(error)

    def _audited(self) -> Result:
        """The query's rows, or what is said of it, once that is in the audit log."""
        facts: dict[str, Any] = {"ran": self.verdict.more or self.verdict.sql}
        outcome = "failed"
        try:
            result = self._rows()
            outcome = "ran"
            facts |= {"rows": len(result.rows), "seconds": round(result.seconds, 3)}
            return result
        except WorkbenchError as error:
            shown = self._shown(error)
            outcome = "stopped" if isinstance(shown, Stopped) else "failed"
            facts["problem"] = shown.problem
            if shown is error:
                raise
            raise shown from error
        finally:
            self._session = None
            if not self._given_up:
                audit(self._settings, self._source, self._asked, outcome, **facts)

    def _rows(self) -> Result:
        begun = time.monotonic()
        seconds = self._settings.query_seconds
        with open_session(self._source, self._settings, seconds) as session:
            self._session = session
            if self._why:
                raise self._why
            self._ends = time.monotonic() + seconds
            result = _fetch(session, self.verdict, begun)
        if self._why:  # some functions answer when they are killed, and what they say is wrong
            raise self._why
        return result


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
    """The rows, fetched a few at a time where they are large: all of a part are in memory."""
    many = 1
    rows = found.fetchmany(many)
    while rows:
        yield from rows
        size = sum(_length(value) for row in rows for value in row)
        many = min(FETCHED, many * 2) if size < SMALL else max(1, many // 2)
        rows = found.fetchmany(many)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes) else 0


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
