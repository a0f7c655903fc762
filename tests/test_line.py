"""The line of questions: fair, with limits, and no place of it is ever lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Event, Token, Waiting
from workbench.chat.line import Limits, Line, Ticket, in_line
from workbench.chat.streams import Stream
from workbench.errors import Busy
from workbench.settings import Settings

ONE = Limits(at_once=1, of_one=0, waiting=9)


def order(line: Line, first: Ticket, tickets: dict[str, Ticket]) -> list[str]:
    """The names in the order in which their answers begin, each ending before the next one."""
    begun: list[str] = []
    now = first
    while len(begun) < len(tickets):
        now.close()
        names = [name for name, ticket in tickets.items() if not ticket.place]
        (name,) = set(names) - set(begun)
        begun.append(name)
        now = tickets[name]
    now.close()
    return begun


def test_owners_take_turns_however_many_questions_each_has() -> None:
    line = Line()
    first = line.enter("ann", ONE)
    asked = ["ann 1", "ann 2", "ann 3", "bob 1", "cy 1", "cy 2"]
    tickets = {name: line.enter(name.split()[0], ONE) for name in asked}
    told = {name: ticket.place for name, ticket in tickets.items()}
    fair = ["ann 1", "bob 1", "cy 1", "ann 2", "cy 2", "ann 3"]
    assert [told[name] for name in fair] == [1, 2, 3, 4, 5, 6]
    assert order(line, first, tickets) == fair
    assert line.growing() == line.waiting() == 0


def test_who_has_enough_answers_waits_for_these_and_stands_in_nobodys_way() -> None:
    line = Line()
    two = Limits(at_once=3, of_one=2, waiting=9)
    ann = [line.enter("ann", two) for _ in range(4)]
    assert [ticket.place for ticket in ann] == [0, 0, 1, 2]
    bob = [line.enter("bob", two) for _ in range(2)]
    assert [ticket.place for ticket in bob] == [0, 1], "the third answer of all is his"
    ann[0].close()
    assert [ticket.place for ticket in ann[1:]] == [0, 0, 1], "she has waited longer"
    assert [ticket.place for ticket in bob] == [0, 1]


def test_places_move_when_one_leaves_and_each_who_moves_is_told() -> None:
    line = Line()
    moves: list[str] = []
    running = line.enter("ann", ONE)
    tickets = [line.enter("ann", ONE, lambda name=name: moves.append(name)) for name in "abc"]
    moves.clear()
    tickets[1].close()
    assert [ticket.place for ticket in (tickets[0], tickets[2])] == [1, 2]
    assert moves == ["c"]
    tickets[1].close()
    running.close()
    running.close()
    assert [ticket.place for ticket in (tickets[0], tickets[2])] == [0, 1]
    assert (line.growing(), line.waiting()) == (1, 1), "closing twice frees one place"


def test_a_full_line_refuses_its_owner_and_no_other() -> None:
    line = Line()
    limits = Limits(at_once=1, of_one=0, waiting=2)
    for _ in range(3):
        line.enter("ann", limits)
    with pytest.raises(Busy) as refused:
        line.enter("ann", limits)
    assert 0 < refused.value.wait <= 60
    assert line.waiting() == 2
    assert line.enter("bob", limits).place == 2, "behind her first question"


def test_many_threads_lose_no_place() -> None:
    line = Line()
    limits = Limits(at_once=4, of_one=2, waiting=1000)
    most: list[int] = []

    def ask(owner: str) -> None:
        for number in range(40):
            turn = threading.Event()
            ticket = line.enter(owner, limits, turn.set)
            if number % 4 == 0:
                ticket.close()
                continue
            while ticket.place:
                assert turn.wait(5)
                turn.clear()
            most.append(line.growing())
            ticket.close()

    threads = [threading.Thread(target=ask, args=(f"owner {n % 3}",)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(most) == 9 * 30 and max(most) <= 4
    assert line.growing() == line.waiting() == 0


def test_an_answer_in_the_line_says_its_place_and_stop_gives_it_free(tmp_path: Path) -> None:
    line = Line()
    settings = Settings(home=tmp_path, concurrent_answers=1)
    conversations = Conversations(tmp_path / "workbench.db")
    ends = threading.Event()

    def answer() -> Iterator[Event]:
        yield Token("word")
        assert ends.wait(5)
        yield Done("toy", 0.1)

    def stream() -> Stream:
        chat = conversations.create("a question")
        message = conversations.add(chat, "assistant", "", state="streaming")
        return Stream(conversations, message, lambda: in_line(answer, settings, line))

    first = stream()
    while not first.events:
        assert not first.ended.wait(0.01)
    second, third = stream(), stream()
    while {second.place, third.place} != {1, 2}:
        assert not second.ended.wait(0.01)
    leaving, staying = (second, third) if second.place == 1 else (third, second)
    leaving.stop()
    while staying.place != 1:
        assert not staying.ended.wait(0.01)
    ends.set()
    assert first.ended.wait(5) and staying.ended.wait(5)
    assert (leaving.state, staying.state) == ("stopped", "done")
    assert staying.place == 0
    assert [type(event) for event in staying.events] == [Token, Done], "a place is not stored"
    assert not any(isinstance(event, Waiting) for event in staying.events)
    leaving._thread.join(5)
    assert line.growing() == line.waiting() == 0
