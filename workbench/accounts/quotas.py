"""What a person may take of the machine: answers of a day, megabytes of the disk."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from workbench.accounts.database import changing, has_accounts, reading
from workbench.accounts.people import Person
from workbench.accounts.spaces import Space, folder_of
from workbench.errors import Unavailable, Unwritable
from workbench.messages import say
from workbench.settings import Settings

MEGABYTE = 1_000_000
# one statement: of two answers that begin at once only one is the last of the day
COUNT = """
insert into answers (person, day, count) values (:person, :day, 1)
on conflict (person, day) do update set count = answers.count + 1 where answers.count < :most
returning count
"""


class UsedUp(Unavailable):
    """The answers of the day are used up; new ones come in `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            say("Your {most} answers of today are used up.", most=most),
            "Ask again tomorrow, or ask an admin for more.",
        )


def take_answer(root: Settings, person: Person) -> None:
    """Count one of the person's answers of the day, by the server's clock. Raises UsedUp."""
    most = person.quota.answers_a_day
    if not most:
        return
    now = datetime.now()
    row = {"person": person.name, "day": now.date().isoformat(), "most": most}
    with changing(root) as database:
        database.execute("delete from answers where person = :person and day < :day", row)
        if database.execute(COUNT, row).fetchone() is None:
            tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time())
            raise UsedUp(most, (tomorrow - now).total_seconds())


def answers_today(root: Settings) -> dict[str, int]:
    """Person -> answers of today, of those whose answers are counted."""
    if not has_accounts(root):
        return {}
    with reading(root) as database:
        query = "select person, count from answers where day = :day"
        rows = database.execute(query, {"day": datetime.now().date().isoformat()})
        return {row["person"]: row["count"] for row in rows}


def check_room(root: Settings, person: Person, arriving: int) -> None:
    """Raises Unwritable where that many bytes more would not fit into the person's own space."""
    most = person.quota.megabytes
    if not most:
        return
    used = size_of(folder_of(root, person, Space("", "own")))
    if used + arriving > most * MEGABYTE:
        raise Unwritable(
            say("Your space of {most} MB is full.", most=most),
            "Remove what you do not need, or ask an admin for more.",
        )


def size_of(folder: Path) -> int:
    """The bytes of all files in it."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            if path.is_file() and not path.is_symlink():
                total += path.stat().st_size
    return total
