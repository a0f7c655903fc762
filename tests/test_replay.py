"""An old chat asked again: what is the same, what changed, what was good and is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.asking import ask
from agents.question import Question
from agents.registry import Agent, registered
from agents.replay import FOLDER, compare_texts, is_replay, read_replay, replay
from workbench.chat.conversations import Conversations, Message
from workbench.chat.events import Done, Event, Token
from workbench.chat.streams import STREAMS
from workbench.cli import workbench
from workbench.errors import InvalidInput, Unavailable
from workbench.jobs.job import list_jobs
from workbench.settings import Settings

__all__ = ["page"]
HERE = "test_replay"
TODAY: dict[str, str] = {}  # question -> what the toy answers now
HEARD: list[list[str]] = []  # the turns before each question


def answer_old(question: Question) -> Iterator[Event]:
    HEARD.append([turn.content for turn in question.history])
    text = TODAY[question.text]
    if text == "gone":
        raise Unavailable("The server is gone.", "Start it.")
    yield Token(text)
    yield Done("m:old", 0.1, lineage={"model": "m:old", "digest": TODAY["digest"]})


OLD = Agent(
    mode="old",
    run=f"{HERE}:answer_old",
    command="/old",
    english="Old",
    chinese="旧",
    icon=":material/toys:",
    busy=("…", "…"),
    description="A toy.",
)
BEFORE = {
    "Who leads it?": "Anna Meyer leads the laboratory since 2019.",
    "How long?": "The trial takes 30 days.",
    "Why?": "Because the light is warm.",
    "digest": "aaaa",
}


@pytest.fixture
def conversations(settings: Settings) -> Iterator[Conversations]:
    HEARD.clear()
    TODAY.clear()
    TODAY.update(BEFORE)
    with registered(OLD):
        yield Conversations(settings.database)


@pytest.fixture
def chat(settings: Settings, conversations: Conversations) -> int:
    """A chat of three turns; the first two answers were found good."""
    number = None
    for question in list(BEFORE)[:3]:
        number = ask(question, "old", settings, conversations, number)
        stream = STREAMS.get(conversations, conversations.messages(number)[-1].id)
        assert stream is None or stream.ended.wait(30)
    assert number
    for answer in conversations.messages(number)[1:4:2]:
        conversations.rate(answer.id, 1)
    return number


def snapshot(conversations: Conversations, chat: int) -> list[tuple[object, ...]]:
    messages = conversations.messages(chat)
    return [(one.id, one.content, one.rating, one.versions, one.settings) for one in messages]


def test_each_question_is_asked_again_with_the_old_turns_and_the_old_chat_stays(
    settings: Settings, conversations: Conversations, chat: int
) -> None:
    before = snapshot(conversations, chat)
    HEARD.clear()
    TODAY["Who leads it?"] = "Since 2019 the laboratory is led by Anna Meyer."
    TODAY["How long?"] = "The trial takes 28 days."
    TODAY["digest"] = "bbbb"
    seen: list[dict[str, object]] = []
    copy = replay(chat, settings, conversations, seen.append)
    assert snapshot(conversations, chat) == before
    assert [len(turns) for turns in HEARD] == [0, 2, 4]
    assert HEARD[2] == ["Who leads it?", BEFORE["Who leads it?"], "How long?", BEFORE["How long?"]]
    turns = read_replay(copy, conversations)
    assert [turn.state for turn in turns] == ["reworded", "changed", "same"]
    assert [turn.good for turn in turns] == [True, True, False]
    assert [turn.lost for turn in turns] == [False, True, False]
    assert "The model m:old has other weights than before." in turns[1].why.sentences
    assert 0.5 < turns[1].similarity < 1 == turns[2].similarity
    assert conversations.conversation(copy).folder == FOLDER
    assert is_replay(conversations.messages(copy)) and not is_replay(conversations.messages(chat))
    assert [(event["done"], event["of"]) for event in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_stopped_replay_goes_on_and_asks_nothing_twice(
    settings: Settings, conversations: Conversations, chat: int
) -> None:
    HEARD.clear()

    def stop_at_the_second(event: dict[str, object]) -> None:
        if event["done"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(chat, settings, conversations, stop_at_the_second)
    copy = replay(chat, settings, conversations, lambda event: None)
    assert len(HEARD) == 3 and len(read_replay(copy, conversations)) == 3
    assert len(conversations.recent(folder=FOLDER)) == 1
    other = replay(chat, settings, conversations, lambda event: None, model="none")
    assert other != copy, "with another model it begins again"
    with pytest.raises(InvalidInput):
        replay(conversations.create("empty"), settings, conversations, lambda event: None)


def test_the_command_fails_where_a_good_answer_is_lost_and_the_page_says_which(
    settings: Settings, conversations: Conversations, chat: int, page: Callable[..., AppTest]
) -> None:
    def run(*words: str) -> tuple[int, list[dict[str, object]]]:
        shown = CliRunner().invoke(workbench, ["chats", "replay", str(chat), *words, "--json"])
        lines = [json.loads(line) for line in shown.stdout.splitlines()]
        return shown.exit_code, [line for line in lines if line["event"] != "progress"]

    status, lines = run()
    assert status == 0 and lines[-1]["same"] == 3
    TODAY["How long?"] = "gone"
    status, lines = run()
    assert status == 1
    assert [line["event"] for line in lines] == ["turn", "turn", "turn", "done"]
    assert (lines[1]["state"], lines[1]["lost"]) == ("failed", True)
    assert (lines[-1]["failed"], lines[-1]["lost"]) == (1, 1)
    assert run("--exit-zero")[0] == 0
    app = page("agents/ui/chat.py", "zh")
    drawn(app.menu_button(key=f"menu-{chat}").set_value("replay").run())
    (job,) = list_jobs(settings)
    assert job.command[:3] == ["chats", "replay", str(chat)] and "--exit-zero" in job.command
    job.cancel(grace=0)
    app.query_params["chat"] = str(lines[-1]["chat"])
    shown = texts(drawn(app.run()))
    assert "原为好评" in shown and "The server is gone" not in shown.split("原为好评")[0]
    (label,) = [one.label for one in app.expander if "重新提问" in one.label]
    assert "3 个回答中有 2 个" in label and "丢失的好评回答：1 个" in label


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ("It takes 30 days [1].", "It takes 30 days [2].", "same"),
        ("It takes 30 days.", "You have thirty days for it.", "reworded"),
        ("It takes 30 days.", "It takes 3 days.", "changed"),
        ("试用期为30天。", "试用期是三十天。", "reworded"),
        ("Ask at the desk first.", "First ask at the desk.", "reworded"),
        ("Ask at the desk first.", "Nobody knows.", "changed"),
        ("It takes 30 days.", "", "failed"),
    ],
)
def test_texts_are_compared_by_their_facts(before: str, after: str, state: str) -> None:
    answer = Message(1, 1, "assistant", after)
    assert compare_texts(before, answer)[0] == state
