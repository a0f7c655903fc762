"""Conversations keep what a person wrote, and growing answers survive what happens to the page."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from workbench.chat.conversations import Conversations, State
from workbench.chat.database import STORE
from workbench.chat.events import Beat, Done, Event, Failed, Routed, Source, Thought, Token
from workbench.chat.streams import Stream, Streams
from workbench.errors import NotFound, Unavailable, WorkbenchError
from workbench.storage.place import Place


@pytest.fixture
def conversations(chat_place: Place) -> Conversations:
    return Conversations(chat_place)


def test_an_answer_comes_back_as_it_was(conversations: Conversations) -> None:
    chat = conversations.create("灯塔有多高？")
    answer = conversations.add(chat, "assistant", "", state="streaming")
    source = Source(1, "text", "a.md", "line 3", 0.9, "id", "c")
    events: list[Event] = [
        Routed("documents", "why"),
        source,
        Thought("a"),
        Thought("b"),
        Token("31 "),
        Token("米 [1]"),
        Done("none", 0.1),
    ]
    conversations.save(answer, events, "done")
    message = conversations.message(answer)
    assert message.content == "31 米 [1]" and message.state == "done"
    assert message.events == [events[0], source, Thought("ab"), Token("31 米 [1]"), events[-1]]


def test_search_finds_titles_and_texts_in_any_language(conversations: Conversations) -> None:
    first, second = conversations.create("灯塔的高度"), conversations.create("Gulls")
    conversations.add(second, "user", "Do 100% of gulls_sleep?")
    assert [chat.id for chat in conversations.recent("灯塔")] == [first]
    assert [chat.id for chat in conversations.recent("100%")] == [second]
    assert [chat.id for chat in conversations.recent("P?")] == [
        second
    ]  # the end of a text, and case
    assert [chat.id for chat in conversations.recent("GULLS_sl")] == [second]
    assert [chat.id for chat in conversations.recent("度")] == [first]
    assert conversations.recent('"; drop') == [] and conversations.recent('"') == []
    assert conversations.recent("lssleep") == [] and conversations.recent("gullsXsleep") == []
    assert {chat.id for chat in conversations.recent()} == {first, second}


def test_search_follows_an_answer_that_grows_and_changes(conversations: Conversations) -> None:
    chat = conversations.create("A")
    answer = conversations.add(chat, "assistant", "", state="streaming", owner="an earlier run")
    conversations.save(answer, [Token("The lighthouse")], "streaming")
    assert conversations.recent("lighthouse") == []
    conversations.save(answer, [Token("The lighthouse 灯塔")], "done")
    found = [conversations.recent(text) for text in ("lighthouse", "灯塔", "塔")]
    assert [len(chats) for chats in found] == [1, 1, 1]
    conversations.save(answer, [Token("The pier")], "done")
    assert conversations.recent("lighthouse") == [] and len(conversations.recent("pier")) == 1


def test_folders_and_pins_order_the_list(conversations: Conversations) -> None:
    first, second, third = [conversations.create(title) for title in "ABC"]
    conversations.pin(first, True)
    conversations.set_folder(second, "工作")
    assert [chat.id for chat in conversations.recent()] == [first, third, second]
    assert [chat.id for chat in conversations.recent(folder="工作")] == [second]
    assert [chat.id for chat in conversations.recent(folder="")] == [first, third]
    assert conversations.folders() == {"工作": 1}


def test_deleting_can_be_undone_and_renaming_stays(conversations: Conversations) -> None:
    chat = conversations.create("A")
    conversations.add(chat, "user", "question")
    conversations.rename(chat, "B")
    conversations.delete(chat)
    assert conversations.recent() == []
    conversations.restore(chat)
    assert [found.title for found in conversations.recent()] == ["B"]
    assert len(conversations.messages(chat)) == 1


def shown(conversations: Conversations, chat: int) -> list[str]:
    return [message.content for message in conversations.messages(chat)]


def test_an_edited_question_is_a_version_with_its_own_continuation(
    conversations: Conversations,
) -> None:
    chat = conversations.create("A")
    for role, text in (("user", "q1"), ("assistant", "a1"), ("user", "q2"), ("assistant", "a2")):
        conversations.add(chat, role, text)
    first = conversations.messages(chat)[0]
    edited = conversations.add(chat, "user", "q1 better", instead_of=first.id)
    conversations.add(chat, "assistant", "a1 better")
    assert shown(conversations, chat) == ["q1 better", "a1 better"]
    assert conversations.message(edited).versions == (first.id, edited)
    conversations.show(first.id)
    assert shown(conversations, chat) == ["q1", "a1", "q2", "a2"]
    assert conversations.messages(chat)[0].versions == (first.id, edited)
    conversations.show(edited)
    assert shown(conversations, chat) == ["q1 better", "a1 better"]


def test_answers_side_by_side_are_one_version(conversations: Conversations) -> None:
    chat = conversations.create("A")
    question = conversations.add(chat, "user", "q")
    left, right = [conversations.add(chat, "assistant", text) for text in ("left", "right")]
    follow_up = conversations.add(chat, "user", "and then?")
    new_left = conversations.add(chat, "assistant", "new left", instead_of=right)
    new_right = conversations.add(chat, "assistant", "new right")
    assert shown(conversations, chat) == ["q", "new left", "new right"]
    versions = {message.id: message.versions for message in conversations.messages(chat)}
    assert versions == {
        question: (question,),
        new_left: (left, new_left),
        new_right: (left, new_right),
    }
    conversations.show(follow_up)  # also from a message further down
    assert shown(conversations, chat) == ["q", "left", "right", "and then?"]
    assert conversations.message(right).versions == (right, new_left)


def test_what_leads_to_a_hidden_answer_can_be_read(conversations: Conversations) -> None:
    chat = conversations.create("A")
    question = conversations.add(chat, "user", "q")
    former = conversations.add(chat, "assistant", "former")
    conversations.add(chat, "assistant", "newer", instead_of=former)
    assert [message.id for message in conversations.path_to(former)] == [question, former]


def test_a_chat_keeps_its_choices_its_folder_and_its_pin(conversations: Conversations) -> None:
    chat = conversations.create("A")
    conversations.set_settings(chat, {"collection": "手册", "temperature": 0.5})
    conversations.set_folder(chat, " Work ")
    conversations.pin(chat, True)
    kept = conversations.conversation(chat)
    assert kept.settings == {"collection": "手册", "temperature": 0.5}
    assert (kept.folder, kept.pinned) == ("Work", True)
    assert conversations.recent() == [kept]
    with pytest.raises(NotFound):
        conversations.conversation(99)


def test_a_correction_stands_in_for_the_answer(conversations: Conversations) -> None:
    chat = conversations.create("A")
    conversations.add(chat, "user", "question")
    answer = conversations.add(chat, "assistant", "wrong")
    conversations.rate(answer, -1, "  right  ")
    assert [turn.content for turn in conversations.history(chat)] == ["question", "right"]
    assert conversations.message(answer).rating == -1


def test_of_two_answers_the_one_voted_for_counts(conversations: Conversations) -> None:
    chat = conversations.create("A")
    question = conversations.add(chat, "user", "question")
    answers = [conversations.add(chat, "assistant", text) for text in ("left", "right")]
    later = conversations.add(chat, "user", "and then?")

    def history() -> list[str]:
        return [turn.content for turn in conversations.history(chat, before=later)]

    assert history() == ["question", "left"]
    conversations.vote(question, answers[1])
    assert history() == ["question", "right"]
    assert conversations.votes() == {question: answers[1]}
    conversations.vote(question, None)
    assert history() == ["question", "left"]
    assert conversations.votes() == {question: None}


def test_votes_of_an_older_file_are_on_the_answers_that_they_were_on(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"
    conversations = Conversations(path)
    chat = conversations.create("A")
    rows, firsts = [], []
    for name in ("won", "tied"):
        question = conversations.add(chat, "user", name)
        left = conversations.add(chat, "assistant", "left")
        right = conversations.add(chat, "assistant", "right")
        rows.append((question, right if name == "won" else None, 1.0))
        firsts.append(left)
    with closing(sqlite3.connect(path)) as old:
        old.executescript("drop table votes; drop table reroutes; pragma user_version = 3;")
        old.executescript(f"{STORE.steps[1]} drop table found; drop table found_threes;")
        old.execute("drop index messages_judged")
        for trigger in ("message_added", "message_changed", "message_deleted"):
            old.execute(f"drop trigger {trigger}")
        old.execute("alter table messages drop column saved")
        old.executemany("insert into votes values (?, ?, ?)", rows)
        old.commit()
    again = Conversations(path)
    won, tied = [vote for vote, _ in again.voted()]
    assert [won.version, tied.version] == firsts
    assert (won.winner, won.both_bad, tied.winner) == (rows[0][1], False, None)
    assert [len(answers) for _, answers in again.voted()] == [2, 2]


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Superseded messages become former versions of what replaced them."""
    path = tmp_path / "workbench.db"
    rows = [  # role, text, superseded, created
        ("user", "q1", 0, 0),
        ("assistant", "a1", 1, 1),
        ("user", "q2", 1, 20),
        ("assistant", "a2", 1, 21),
        ("assistant", "a2 left", 1, 30),
        ("assistant", "a2 right", 1, 30.1),
        ("assistant", "new a1", 0, 40),
    ]
    with closing(sqlite3.connect(path)) as old:
        old.executescript(f"{STORE.steps[0]} pragma user_version = 1;")
        old.execute("insert into conversations (title, created, updated) values ('kept', 1, 1)")
        query = """
            insert into messages (conversation, role, content, superseded, created)
            values (1, ?, ?, ?, ?)"""
        old.executemany(query, rows)
        old.commit()
    conversations = Conversations(path)
    assert [found.title for found in conversations.recent()] == ["kept"]
    assert conversations.votes() == {}
    assert shown(conversations, 1) == ["q1", "new a1"]
    assert conversations.messages(1)[1].versions == (2, 7)
    conversations.show(2)
    assert shown(conversations, 1) == ["q1", "a1", "q2", "a2 left", "a2 right"]
    assert conversations.message(6).versions == (4, 6)


def test_many_threads_may_write_at_once(chat_place: Place) -> None:
    chat = Conversations(chat_place).create("A")

    def write(number: int) -> None:
        own = Conversations(chat_place)
        for turn in range(10):
            own.add(chat, "user", f"{number}-{turn}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({message.content for message in Conversations(chat_place).messages(chat)}) == 60


def test_a_message_that_is_gone_is_an_error_with_a_fix(conversations: Conversations) -> None:
    with pytest.raises(NotFound) as missing:
        conversations.message(99)
    assert missing.value.fix


def stream(conversations: Conversations, events: Iterator[Event]) -> Stream:
    message = conversations.add(conversations.create("q"), "assistant", "", state="streaming")
    return Streams().start(conversations, message, lambda: events)


def test_the_partial_answer_is_stored_as_it_grows(conversations: Conversations) -> None:
    gate = threading.Event()

    def slow() -> Iterator[Event]:
        yield Token("one ")
        time.sleep(0.4)
        yield Token("two ")
        gate.wait(10)
        yield Token("three")

    growing = stream(conversations, slow())
    until = time.monotonic() + 5
    while not conversations.message(growing.message).content and time.monotonic() < until:
        time.sleep(0.02)
    stored = conversations.message(growing.message)
    assert (stored.content, stored.state) == ("one two ", "streaming")
    gate.set()
    assert growing.ended.wait(5)
    assert conversations.message(growing.message).content == "one two three"


def test_stop_closes_the_model_and_keeps_the_text(conversations: Conversations) -> None:
    closed = threading.Event()

    def endless() -> Iterator[Event]:
        try:
            while True:
                yield Token("x")
                time.sleep(0.01)
        finally:
            closed.set()

    growing = stream(conversations, endless())
    time.sleep(0.1)
    growing.stop()
    assert growing.ended.is_set() and closed.wait(5)
    stored = conversations.message(growing.message)
    assert stored.state == "stopped" and stored.content.startswith("xx")


def test_an_error_ends_the_answer_with_its_text_kept(conversations: Conversations) -> None:
    def failing() -> Iterator[Event]:
        yield Token("half")
        raise Unavailable("The server is gone.", "Start it.")

    growing = stream(conversations, failing())
    assert growing.ended.wait(5)
    stored = conversations.message(growing.message)
    assert (stored.state, stored.content) == ("failed", "half")
    assert stored.events[-1] == Failed("The server is gone.", "Start it.")


class FullDisk(Conversations):
    """Conversations on a disk that is full, from the first save of an answer on."""

    def save(self, message: int, events: Sequence[Event], state: State) -> None:
        raise WorkbenchError("The conversations cannot be written.", "Free disk space.")


def test_an_answer_that_cannot_be_saved_ends_and_says_so(chat_place: Place) -> None:
    conversations = FullDisk(chat_place)
    chat = conversations.create("q")
    message = conversations.add(chat, "assistant", "", state="streaming")
    streams = Streams()
    growing = streams.start(conversations, message, lambda: iter([Token("whole")]))
    assert growing.ended.wait(5)
    failure = Failed("The conversations cannot be written.", "Free disk space.")
    assert growing.events == [Token("whole"), failure]
    streams.start(conversations, message + 1, lambda: iter([]))
    shown = streams.as_they_ended(conversations, conversations.messages(chat))
    assert [answer.state for answer in shown] == ["failed"]
    assert shown[0].events[-1] == failure


def test_beats_are_not_stored(conversations: Conversations) -> None:
    growing = stream(conversations, iter([Beat(), Token("a"), Beat(), Token("b"), Beat()]))
    assert growing.ended.wait(5)
    assert conversations.message(growing.message).events == [Token("ab")]


def test_a_file_of_something_else_is_an_error_with_a_fix(tmp_path: Path) -> None:
    path = tmp_path / "workbench.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(WorkbenchError, match="not a database") as failure:
        Conversations(path)
    assert str(path) in failure.value.problem and "workbench repair" in failure.value.fix


def test_many_processes_may_make_the_tables_at_once(chat_place: Place) -> None:
    together = threading.Barrier(6)
    made: list[int] = []

    def make() -> None:
        together.wait()
        made.append(Conversations(chat_place).create("A"))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [1, 2, 3, 4, 5, 6]


def test_after_a_restart_growing_answers_are_marked(conversations: Conversations) -> None:
    chat = conversations.create("q")
    lost = conversations.add(chat, "assistant", "", state="streaming", owner="an earlier run")
    mine = conversations.add(chat, "assistant", "", state="streaming", owner="this run")
    conversations.interrupt_others("this run")
    assert conversations.message(lost).state == "interrupted"
    assert conversations.message(mine).state == "streaming"
