"""Two arms of any kind side by side: blind or not, stopped or failing, voted on and exported."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.asking import answer_again, ask
from agents.beside import (
    Beside,
    arm_of,
    beside_of,
    can_be_voted_on,
    hides_names,
    mode_of,
    read_beside,
)
from agents.choices import usable
from agents.question import Question
from agents.registry import SIDE_BY_SIDE, Agent, registered
from workbench.chat.conversations import Conversations, Message
from workbench.chat.events import Beat, Done, Event, Routed, Token
from workbench.chat.export import export_all
from workbench.chat.importing import import_chats
from workbench.chat.streams import STREAMS
from workbench.cli import workbench
from workbench.errors import Unavailable
from workbench.scoring.votes import count_votes
from workbench.settings import Settings

__all__ = ["page"]
HERE = "test_beside"
GATE = threading.Event()


def answer_left(question: Question) -> Iterator[Event]:
    """Waits where it is told to, so that it can be stopped."""
    yield Token("one")
    while "wait" in question.text and not GATE.is_set():
        GATE.wait(0.02)
        yield Beat()
    yield Done("m:left", 0.1, lineage={"model": "m:left", "digest": "aaaa"})


def answer_right(question: Question) -> Iterator[Event]:
    if "fail" in question.text:
        raise Unavailable("The right one is gone.", "Start it.")
    yield Token("two")
    yield Done("m:right", 0.1, lineage={"model": "m:right", "digest": "bbbb"})


def row(mode: str) -> Agent:
    return Agent(
        mode=mode,
        run=f"{HERE}:answer_{mode}",
        command=f"/{mode}",
        english=mode.title(),
        chinese="左" if mode == "left" else "右",
        icon=":material/toys:",
        busy=("Playing…", "正在玩…"),
        description="A toy.",
    )


@pytest.fixture
def conversations(settings: Settings) -> Iterator[Conversations]:
    """The chats of a workspace with two toy agents."""
    GATE.clear()
    with registered(row("left")), registered(row("right")):
        yield Conversations(settings.database)


BLIND = Beside(("left", "right"), blind=True)


def turn(text: str, settings: Settings, conversations: Conversations, chat: int | None) -> int:
    """Ask blind; returns the chat, once the answers that do not wait have ended."""
    chat = ask(text, SIDE_BY_SIDE, settings, conversations, chat, beside=BLIND)
    for answer in newest(conversations, chat):
        stream = STREAMS.get(conversations, answer.id)
        if stream and not ("wait" in text and answer.mode == "left"):
            assert stream.ended.wait(30)
    return chat


def newest(conversations: Conversations, chat: int) -> list[Message]:
    """The answers to the last question as they stand."""
    messages = conversations.messages(chat)
    last = max(number for number, one in enumerate(messages) if one.role == "user")
    return messages[last + 1 :]


def test_the_order_of_blind_arms_is_drawn_by_the_question_and_both_orders_come() -> None:
    orders = [tuple(BLIND.ordered(question, 0)) for question in range(40)]
    assert orders == [tuple(BLIND.ordered(question, 0)) for question in range(40)]
    assert 8 < orders.count(("left", "right")) < 32
    assert Beside(("left", "right")).ordered(3, 0) == ["left", "right"]


def test_a_chat_of_blind_turns_with_a_stop_a_failure_and_a_vote(
    settings: Settings, conversations: Conversations, tmp_path: Path
) -> None:
    chat = turn("first", settings, conversations, None)
    answers = newest(conversations, chat)
    assert {answer.content for answer in answers} == {"one", "two"}
    assert [arm_of(answer) for answer in answers] == BLIND.ordered(answers[0].id - 1, 0)
    assert hides_names(answers, None) and can_be_voted_on(answers)
    winner = next(answer for answer in answers if answer.mode == "right")
    question = answers[0].id - 1
    conversations.vote(question, winner.id, version=answers[0].id)
    assert not hides_names(answers, conversations.vote_on(answers[0].id))

    turn("please wait", settings, conversations, chat)
    waiting = newest(conversations, chat)
    assert hides_names(waiting, None), "also while they are written"
    left = next(answer for answer in waiting if answer.mode == "left")
    stream = STREAMS.get(conversations, left.id)
    assert stream
    stream.stop()
    stopped = newest(conversations, chat)
    assert {answer.state for answer in stopped} == {"stopped", "done"}
    assert not can_be_voted_on(stopped) and not hides_names(stopped, None)
    # of the first turn the later ones know the answer that was voted for
    assert [one.content for one in conversations.history(chat)][:2] == ["first", "two"]

    turn("now fail", settings, conversations, chat)
    failed = newest(conversations, chat)
    assert {answer.state for answer in failed} == {"failed", "done"}
    assert not can_be_voted_on(failed)

    # asked again: another version, in an order of its own, with a vote of its own
    messages = conversations.messages(chat)
    answer_again(messages[0], messages[1:3], settings, conversations)
    again = conversations.messages(chat)[1:3]
    for answer in again:
        stream = STREAMS.get(conversations, answer.id)
        assert stream is None or stream.ended.wait(30)
    assert beside_of(again).blind and again[0].versions == (answers[0].id, again[0].id)
    assert conversations.vote_on(again[0].id) is None
    conversations.vote(question, None, both_bad=True, version=again[0].id)
    table = count_votes(conversations)
    assert (table.votes, table.left_out, table.groups) == (2, 0, 1)
    strongest, weakest = table.rows()
    assert (strongest["model"], strongest["won"], strongest["both_bad"]) == ("m:right", 1, 1)
    assert (weakest["model"], weakest["lost"], weakest["both_bad"]) == ("m:left", 1, 1)
    low, high = strongest["interval"]
    assert low < 0.5 < strongest["chance"] < high

    # elsewhere all is as it was: the order, the votes and what is hidden
    other = Conversations(tmp_path / "other.db")
    import_chats(other.place, export_all(conversations).encode())
    (copied,) = other.recent()
    assert [one.content for one in other.messages(copied.id)] == [
        one.content for one in conversations.messages(chat)
    ]
    assert count_votes(other).rows() == table.rows()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_votes_make_a_table_on_the_page_and_by_a_command(
    settings: Settings, conversations: Conversations, page: Callable[..., AppTest], language: str
) -> None:
    def told() -> dict[str, Any]:
        shown = CliRunner().invoke(workbench, ["models", "votes", "--json"])
        return json.loads(shown.stdout)

    assert told()["arms"] == []
    assert "No votes yet" in CliRunner().invoke(workbench, ["models", "votes"]).stdout
    chat = turn("first", settings, conversations, None)
    answers = newest(conversations, chat)
    winner = next(answer for answer in answers if answer.mode == "left")
    conversations.vote(answers[0].id - 1, winner.id)
    result = told()
    assert (result["event"], result["votes"], result["groups"]) == ("done", 1, 1)
    assert [(arm["mode"], arm["won"], arm["lost"]) for arm in result["arms"]] == [
        ("left", 1, 0),
        ("right", 0, 1),
    ]
    app = page("deploy/ui/models.py", language)
    (table,) = [one.value for one in app.dataframe if "m:left" in str(one.value.values)]
    assert table.iloc[0, 0] == ("左" if language == "zh" else "Left")
    # a published model of the same name with other weights is another arm
    events = [Token("x"), Done("m:left", 0.1, lineage={"model": "m:left", "digest": "cccc"})]
    conversations.save(winner.id, [Routed("left", ""), *events], "done")
    assert told()["arms"][0]["weights"] == "cccc"


def test_any_two_arms_are_a_choice_of_the_chat() -> None:
    chosen = {"mode": SIDE_BY_SIDE, "arms": ["rag+tuned", "ollama:x"], "blind": True}
    assert usable(chosen) == chosen
    beside = read_beside(chosen)
    assert [mode_of(arm) for arm in beside.arms] == ["documents", "none"]
    for wrong in (["rag", "rag"], ["rag"], "rag", [1, 2], ["", "rag"], ["x" * 201, "rag"]):
        assert read_beside({"arms": wrong}) == Beside()
    assert usable({"arms": ["rag", "tuned"], "blind": "yes"}) == {}, "the usual is not kept"


def test_the_page_hides_who_answered_until_the_vote(
    settings: Settings, conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    chat = turn("first", settings, conversations, None)
    answers = newest(conversations, chat)
    app = page("agents/ui/chat.py", "zh")
    app.query_params["chat"] = str(chat)
    drawn(app.run())
    shown = texts(app)
    assert "左边" in shown and "右边" in shown
    assert "m:left" not in shown and "m:right" not in shown
    assert not [one for one in app.get("popover") if "lineage" in str(one.proto)]
    key = f"vote-{answers[0].id}"
    assert list(app.segmented_control(key=key).options)[-2:] == ["平手", "都不好"]
    drawn(app.segmented_control(key=key).set_value(answers[1].id).run())
    shown = texts(app)
    assert "m:left" in shown and "m:right" in shown
    assert conversations.vote_on(answers[0].id)
    drawn(app.segmented_control(key=key).set_value(-1).run())
    vote = conversations.vote_on(answers[0].id)
    assert vote and vote.both_bad and vote.winner is None


def test_the_chip_chooses_arms_and_two_that_are_the_same_change_places(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("agents/ui/chat.py")
    drawn(app.menu_button(key="choose-mode").set_value(SIDE_BY_SIDE).run())
    drawn(app.selectbox(key="arm-left").set_value("base").run())
    assert app.session_state["arms"] == Beside(("base", "tuned"))
    drawn(app.selectbox(key="arm-left").set_value("tuned").run())
    assert app.session_state["arms"] == Beside(("tuned", "base"))
    drawn(app.toggle(key="arms-blind").set_value(True).run())
    assert app.session_state["arms"] == Beside(("tuned", "base"), blind=True)
