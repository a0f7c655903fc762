"""So many answers at once, so many of one owner, the others in a line: who may begin now?

The line is fair between owners: they take turns, however many questions each of them has asked. Who
waits knows the place. Page and API of one process stand in the same line, `LINE`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest

from workbench.chat.events import Beat, Event, Waiting
from workbench.errors import Busy
from workbench.messages import say
from workbench.settings import Settings

LOOKED_EVERY = 0.5  # seconds between two beats of who waits
LEARNS = 0.2  # share of the newest answer in how long one takes
LONGEST_WAIT = 60.0  # seconds after which to ask again, at most


@dataclass(frozen=True)
class Limits:
    """How many answers may grow at once: of all, of one owner (0 is any), and how many may wait."""

    at_once: int
    of_one: int
    waiting: int


def limits_of(settings: Settings) -> Limits:
    """As the settings say."""
    return Limits(
        settings.concurrent_answers, settings.answers_per_person, settings.waiting_answers
    )


def owner_of(settings: Settings) -> str:
    """Whose answers they are: a person has a home, or a name in one that several share."""
    return f"{settings.home}|{settings.person}"


class Ticket:
    """A place in the line, then the right to answer, until `close`.

    `place` is 0 from the moment on at which the answer may begin. `moved` is called at each change
    of it, by any thread.
    """

    def __init__(self, line: Line, owner: str, limits: Limits, moved: Callable[[], None]) -> None:
        self.owner = owner
        self.limits = limits
        self.moved = moved
        self.place = -1  # in no line yet
        self.begun = 0.0  # time.monotonic()
        self._line = line

    def close(self) -> None:
        """Leave the line, or end the answer. A second time it does nothing."""
        self._line.leave(self)


class Line:
    """The answers that grow in this process, and those that wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._growing: set[Ticket] = set()
        self._of: Counter[str] = Counter()  # owner -> answers that grow
        self._waiting: dict[str, list[Ticket]] = {}  # the owner whose turn is next comes first
        self._seconds = 1.0  # that an answer takes, about

    def enter(self, owner: str, limits: Limits, moved: Callable[[], None] = lambda: None) -> Ticket:
        """Ask for an answer. Raises Busy where too many questions of that owner wait already."""
        ticket = Ticket(self, owner, limits, moved)
        with self._lock:
            self._waiting.setdefault(owner, []).append(ticket)
            self._begin_next()
            mine = self._waiting.get(owner, [])
            if ticket not in self._growing and len(mine) > limits.waiting:
                mine.remove(ticket)
                raise self._busy(len(mine), limits)
            told = self._told()
        _call(told)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give the place free that the ticket has, in the line or among the answers."""
        with self._lock:
            mine = self._waiting.get(ticket.owner, [])
            if ticket in self._growing:
                self._growing.discard(ticket)
                self._of[ticket.owner] -= 1
                took = time.monotonic() - ticket.begun
                self._seconds += LEARNS * (took - self._seconds)
            elif ticket in mine:
                mine.remove(ticket)
            self._begin_next()
            told = self._told()
        _call(told)

    def growing(self) -> int:
        """How many answers grow now."""
        return len(self._growing)

    def waiting(self) -> int:
        """How many questions wait now."""
        with self._lock:
            return sum(len(tickets) for tickets in self._waiting.values())

    def _begin_next(self) -> None:
        """Let those begin who may; an owner whose answer begins has the last turn again."""
        self._forget()
        ticket = self._next()
        while ticket:
            self._growing.add(ticket)
            self._of[ticket.owner] += 1
            ticket.begun = time.monotonic()
            rest = self._waiting.pop(ticket.owner)
            self._waiting[ticket.owner] = rest[1:]
            self._forget()
            ticket = self._next()

    def _forget(self) -> None:
        """Keep no owner who has neither a question nor an answer."""
        self._waiting = {owner: line for owner, line in self._waiting.items() if line}
        self._of = +self._of

    def _next(self) -> Ticket | None:
        for tickets in self._waiting.values():
            first = tickets[0]
            if len(self._growing) < first.limits.at_once and not self._has_enough(first):
                return first
        return None

    def _has_enough(self, ticket: Ticket) -> bool:
        """Whether as many of the owner's answers grow as may."""
        most = ticket.limits.of_one
        return bool(most) and self._of[ticket.owner] >= most

    def _told(self) -> list[Ticket]:
        """Those whose place is another one now."""
        places = dict.fromkeys(self._growing, 0)
        # who waits for answers of their own stands in nobody's way
        apart = [line for line in self._waiting.values() if self._has_enough(line[0])]
        others = [line for line in self._waiting.values() if not self._has_enough(line[0])]
        for lines in (*([line] for line in apart), others):
            places |= {ticket: place for place, ticket in enumerate(_in_turn(lines), 1)}
        changed = [ticket for ticket, place in places.items() if ticket.place != place]
        for ticket in changed:
            ticket.place = places[ticket]
        return changed

    def _busy(self, waiting: int, limits: Limits) -> Busy:
        answers = limits.of_one or limits.at_once
        seconds = self._seconds * (waiting + 1) / answers
        return Busy(
            say("Questions that wait for an answer already: {count}.", count=waiting),
            "Ask again in a moment, or stop one of them.",
            min(seconds, LONGEST_WAIT),
        )


LINE = Line()


def in_line(
    events: Callable[[], Iterator[Event]], settings: Settings, line: Line = LINE
) -> Generator[Event, None, None]:
    """The events once it is the answer's turn; until then beats, with the place at each change.

    Raises Busy. Closing it gives the place free.
    """
    moved = threading.Event()
    with closing(line.enter(owner_of(settings), limits_of(settings), moved.set)) as ticket:
        told = 0
        place = ticket.place
        while place:
            yield Waiting(place) if place != told else Beat()
            told = place
            moved.wait(LOOKED_EVERY)
            moved.clear()
            place = ticket.place
        if told:
            yield Waiting(0)
        yield from events()


def _in_turn(lines: Iterable[list[Ticket]]) -> Iterator[Ticket]:
    """The first of each line, the second of each, and so on."""
    for row in zip_longest(*lines):
        yield from (ticket for ticket in row if ticket)


def _call(tickets: Iterable[Ticket]) -> None:
    for ticket in tickets:
        ticket.moved()
