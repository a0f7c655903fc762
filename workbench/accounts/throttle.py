"""How often passwords may be tried: after some wrong ones a wait that doubles, told in seconds.

A try counts before it is looked at, so that many at once are no more than one after another.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from dataclasses import dataclass

from workbench.accounts.database import changing
from workbench.accounts.names import folded
from workbench.errors import WorkbenchError
from workbench.messages import say
from workbench.settings import Settings


class TooOften(WorkbenchError):
    """Too many wrong passwords: the next try has to wait `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = int(seconds) + 1
        super().__init__(
            "There were too many wrong passwords.",
            say("Try again in {seconds} seconds.", seconds=self.seconds),
        )


@dataclass(frozen=True)
class Limit:
    """Seconds. `free` tries cost no wait; after `forgotten` without one, all are free again."""

    free: int
    longest: float
    forgotten: float


OF_A_NAME = Limit(free=5, longest=300.0, forgotten=3600.0)
IN_ALL = Limit(free=50, longest=10.0, forgotten=60.0)
ALL = "all"

# one statement, so that of two tries at the same moment one sees the other
COUNT = """
insert into attempts (name, count, until) values (:name, 1, :now)
on conflict (name) do update set
    count = case when attempts.until < :fresh then 1 else attempts.count + 1 end
where attempts.until <= :now
returning count
"""


def take_try(root: Settings, name: str) -> None:
    """Count a try for that name. Raises TooOften; the try then counts for nothing."""
    with changing(root) as database:
        waits = [_take(database, ALL, IN_ALL), _take(database, _hidden(name), OF_A_NAME)]
        _forget_old(database)
        if any(waits):
            raise TooOften(max(waits))  # which takes the counting back


def was_right(root: Settings, name: str) -> None:
    """The try was no wrong one: all tries of the name are free again."""
    with changing(root) as database:
        database.execute("delete from attempts where name = :name", {"name": _hidden(name)})
        database.execute(
            "update attempts set count = count - 1 where name = :name and count > 0", {"name": ALL}
        )


def _hidden(name: str) -> str:
    """A name as it was typed may be a password in the wrong field: only its hash is kept."""
    return hashlib.sha256(folded(name).encode()).hexdigest()


def _take(database: sqlite3.Connection, name: str, limit: Limit) -> float:
    """The seconds to wait; 0 where the try was counted."""
    now = time.time()
    counted = {"name": name, "now": now, "fresh": now - limit.forgotten}
    row = database.execute(COUNT, counted).fetchone()
    if row is None:
        query = "select until from attempts where name = :name"
        (until,) = database.execute(query, {"name": name}).fetchone()
        return max(until - now, 0.001)
    over = row[0] - limit.free
    pause = min(2.0**over, limit.longest) if over >= 0 else 0.0
    query = "update attempts set until = :until where name = :name"
    database.execute(query, {"until": now + pause, "name": name})
    return 0.0


def _forget_old(database: sqlite3.Connection) -> None:
    """Names that somebody made up do not stay."""
    oldest = time.time() - OF_A_NAME.forgotten
    database.execute("delete from attempts where until < :oldest", {"oldest": oldest})
