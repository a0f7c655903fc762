"""Judged answers become items; what people decide on them is kept, undone, exported and frozen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from judged_chats import add_judged, passage, query
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.databases.example import load_example
from agents.databases.notes import load_notes
from agents.loop import review
from agents.loop.batches import KINDS, export, freeze, rows_of, waiting
from agents.loop.candidates import read_items
from agents.loop.duplicates import group
from agents.loop.leakage import find_leaks
from agents.loop.personal import find_personal
from agents.loop.review import read_review
from workbench.chat.conversations import Conversations
from workbench.cli import workbench
from workbench.errors import InvalidInput, NotFound, WorkbenchError
from workbench.files import sha256_of
from workbench.settings import Settings

__all__ = ["page"]

RIGHT_SQL = "SELECT count(*) FROM ads_summary"


@pytest.fixture
def conversations(settings: Settings) -> Conversations:
    return Conversations(settings.database)


@pytest.fixture
def judged(settings: Settings, conversations: Conversations) -> dict[str, str]:
    """One chat of each signal; name -> id of the item."""
    load_example(settings)
    good = add_judged(conversations, "How tall is it?", "47 m [1].", rating=1, events=[passage(1)])
    wrong = add_judged(conversations, "Who built it?", "Nobody.", correction="Anna built it.")
    bad = add_judged(conversations, "When was it built?", "Never.", rating=-1)
    chat = conversations.create("Which is better?")
    lost = add_judged(conversations, "Which is better?", "The left one.", chat=chat)
    won = conversations.add(chat, "assistant", "")
    conversations.save(won, conversations.message(good).events, "done")
    conversations.vote(conversations.messages(chat)[0].id, won)
    sql = add_judged(
        conversations, "How many posts?", "Three.", rating=1, events=[query(RIGHT_SQL)]
    )
    assert lost
    ids = {"good": good, "wrong": wrong, "bad": bad, "won": won, "sql": sql}
    return {name: str(number) for name, number in ids.items()}


def loop(*words: str, fails: bool = False) -> list[dict[str, Any]]:
    done = CliRunner().invoke(workbench, ["loop", *words, "--json"])
    assert bool(done.exit_code) == fails, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_judgement_is_an_item_and_every_row_names_its_origin(
    settings: Settings, judged: dict[str, str], tmp_path: Path
) -> None:
    items = {item.id: item for item in read_items(settings)}
    assert set(items) == set(judged.values())
    good, wrong, won = (items[judged[name]] for name in ("good", "wrong", "won"))
    assert (good.better, good.sources, good.signal) == ("47 m.", ("manual.pdf p. 1",), "good")
    assert (wrong.better, wrong.worse) == ("Anna built it.", ("Nobody.",))
    assert won.worse == ("The left one.",) and won.signal == "vote"
    assert items[judged["bad"]].better == ""
    assert items[judged["sql"]].kind == "sql"

    with pytest.raises(InvalidInput, match="would be right"):
        review.accept([judged["good"], judged["bad"]], settings)
    assert not waiting(settings)  # all or nothing
    assert loop("review", "--accept", "all")[-1]["changed"]
    review.edit(judged["bad"], "In 1912.", settings)
    rows = {kind: rows_of(read_review(settings), kind) for kind in KINDS}
    assert {kind: len(found) for kind, found in rows.items()} == {
        "sft": 4,
        "preferences": 3,
        "sql": 1,
    }
    checked = 0
    for row in (row for found in rows.values() for row in found):
        origin = row["provenance"]
        assert origin["conversation"] and origin["message"] and origin["who"], row
        assert origin["model"] == "ollama:demo" and "sources" in origin and origin["kind"]
        checked += 1
    assert checked == 8
    assert rows["sql"][0]["sql"] == RIGHT_SQL
    count, digest = export(settings, tmp_path / "rows.jsonl", "sft")
    assert count == 4 and digest == sha256_of(tmp_path / "rows.jsonl")
    with pytest.raises(WorkbenchError, match="exists already"):
        export(settings, tmp_path / "rows.jsonl", "sft")
    assert loop("review", "--reject", judged["good"], judged["won"], "--reason", "old")
    reasons = [line["reason"] for line in loop("review", "--list", "--state", "rejected")]
    assert reasons == ["old", "old"]


def test_actions_are_undone_one_by_one_and_a_verified_query_is_used_at_once(
    settings: Settings, conversations: Conversations, judged: dict[str, str]
) -> None:
    source = load_example(settings)

    def kept() -> list[str]:
        return [pair["sql"] for pair in load_notes(source, settings).pairs]

    before = kept()
    review.accept([judged["sql"]], settings)
    assert kept() == [*before, RIGHT_SQL]
    review.edit(judged["wrong"], "Ben built it.", settings)
    assert review.undo(settings) == [judged["wrong"]]
    assert review.undo(settings) == [judged["sql"]] and kept() == before
    assert review.undo(settings) == []
    with pytest.raises(WorkbenchError):
        review.edit(judged["sql"], "DROP TABLE ads_summary", settings)
    assert kept() == before
    with pytest.raises(NotFound, match="77"):
        review.accept(["77"], settings)

    review.accept([judged["wrong"]], settings)
    conversations.rate(int(judged["wrong"]), -1, "Cleo built it.")
    states = {one.id: one.state for one in read_review(settings)}
    assert states[judged["wrong"]] == "open"  # nobody has seen this correction


def test_a_batch_is_frozen_and_what_measures_stays_out_of_it(
    settings: Settings, conversations: Conversations
) -> None:
    with pytest.raises(InvalidInput, match="no batch"):
        freeze(settings)
    folder = settings.folder("comparisons", "spring")
    asked = [{"question": "How long is the warranty of the LF-220?", "answer": "36 months"}]
    taught = [{"question": "Question 3 about thing 3?", "answer": "", "taught": True}]
    lines = [json.dumps(row) for row in (*asked, *taught)]
    (folder / "questions.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "card.json").write_text("{}", "utf-8")
    exam = settings.folder("benchmarks", "small-1") / "law-1.jsonl"
    exam.write_text(json.dumps({"question": "Which court hears appeals?"}), "utf-8")
    leaks = [
        add_judged(conversations, "Which court hears appeals", "A.", correction="B."),
        add_judged(conversations, "HOW LONG is the warranty of the LF-220", "1.", correction="2."),
        add_judged(conversations, "The LF-220 has how long a warranty?", "1.", correction="2."),
    ]
    for number in range(11):
        add_judged(conversations, f"Question {number} about thing {number}?", "Yes.", rating=1)
    add_judged(conversations, "How long is the warranty of the LF-110?", "Short.", rating=1)
    loop("review", "--accept", "all")
    batch = freeze(settings)
    facts = batch.facts
    assert {number for number, _ in facts["left_out"]} == {str(number) for number in leaks}
    assert facts["rows"] == {"sft": 10, "preferences": 0, "held_out": 2}
    assert facts["sha256"]["sft.jsonl"] == sha256_of(batch.taught)
    refused = loop("review", "--reject", facts["items"][0], fails=True)[-1]
    assert "in a batch" in refused["problem"]
    status = loop("status")[-1]
    assert status["review"]["rejected"] == 3 and status["review"]["in no batch"] == 0
    assert status["batches"][0]["next"] == "Train on these rows"
    with pytest.raises(InvalidInput):  # the same question again is held out by that batch
        held = json.loads(batch.held_out.read_text("utf-8").splitlines()[0])["messages"][0]
        add_judged(conversations, held["content"], "No.", correction="Maybe.")
        loop("review", "--accept", "all")
        freeze(settings)


PERSONAL = [
    ("write to anna.b@example.com", ["mail"]),
    ("我的手机13812345678，身份证11010519491231002X", ["phone", "identity"]),
    ("身份证110105194912310021", []),  # the check digit is wrong
    ("DE89 3704 0044 0532 0130 00", ["iban"]),
    ("pay with 4111 1111 1111 1111", ["card"]),
    ("order 4111 1111 1111 1112", []),
    ("+44 20 7946 0958, 010-12345678", ["phone", "phone"]),
    ("My name is Anna Smith. 我叫王小明，张伟先生", ["name", "name", "name"]),
    ("on 2024-01-02 it was 3.14159265358979, and 版本 1381234567", []),
]


def test_personal_data_and_near_duplicates_are_found(settings: Settings) -> None:
    for text, kinds in PERSONAL:
        assert [span.kind for span in find_personal(text)] == kinds, text
    questions = [
        "How long is the warranty of the LF-220?",
        "how long is the warranty of the LF-220",
        "How long is the warranty of the LF-110?",
        "出差餐补每天多少？",
        "出差餐补每天是多少",
    ]
    assert group(questions) == [0, 0, 2, 3, 3]
    measured = {"Where is the quay of Oosterwal?": "spring"}
    asked = ["where is the quay of oosterwal", "In which place is Oosterwal's quay?", "Who is she?"]
    found = [leak and round(leak.cosine) for leak in find_leaks(asked, measured, settings)]
    assert found == [1, 1, None]


def test_the_page_reviews_a_thousand_items_without_delay(
    settings: Settings, conversations: Conversations, page: Callable[..., AppTest]
) -> None:
    empty = page("agents/loop/ui/improve.py", "zh")
    assert "在对话中评价回答" in texts(empty)
    number = add_judged(conversations, "Who is at anna@b.org?", "Ben.", correction="Anna.")
    copy = """
        insert into messages (conversation, role, content, events, state, rating, correction,
            created, parent, shown)
        select conversation, role, content, events, state, 1, 'Right ' || value, created, parent, 0
        from messages, generate_series where id = ?"""
    with conversations._connect() as database:
        series = "with recursive generate_series(value) as (select 1 union all select value + 1 "
        database.execute(f"{series} from generate_series where value < 999) {copy}", (number,))
    app = page("agents/loop/ui/improve.py")
    assert "orange-background[anna@b.org]" in texts(app)
    begun = time.monotonic()
    drawn(app.button(key="review_accept").click().run())
    drawn(app.button(key="review_undo").click().run())
    drawn(app.button(key="review_edit").click().run())
    assert time.monotonic() - begun < 10
    top = app.session_state["review_edited"]
    app.text_area(key=f"edited-{top}").set_value("My own.")
    drawn(app.button(key=f"save-edit-{top}").click().run())
    taken = waiting(settings)
    assert [(one.id, one.text) for one in taken] == [(top, "My own.")]
    assert not app.button(key="reject_many").disabled
    assert app.button(key="accept_many").disabled  # each holds a mail address
    drawn(app.button(key="make_batch").click().run())
    assert "Train on these rows" in [button.label for button in app.button]
