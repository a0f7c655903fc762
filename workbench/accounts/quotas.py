"""How many answers of a day a person may take of the machine."""

from __future__ import annotations

from datetime import datetime, timedelta

from workbench.accounts.database import changing, has_accounts, reading
from workbench.accounts.people import Person
from workbench.errors import Unavailable
from workbench.messages import say
from workbench.settings import Settings
from workbench.storage.connecting import by_name

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
        return {row["person"]: row["count"] for row in by_name(rows)}
