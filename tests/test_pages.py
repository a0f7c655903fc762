"""Every page through AppTest: empty states, real turns, both languages, deleting asks first."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.databases.example import load_example
from agents.examples import example_questions
from rag.example import EXAMPLE
from rag.ingest import ingest
from rag.store import list_collections
from workbench.chat.conversations import Conversations
from workbench.jobs.job import list_jobs
from workbench.language import language_of
from workbench.settings import Settings

__all__ = ["page"]


@pytest.fixture
def handbook(settings: Settings) -> Settings:
    ingest([EXAMPLE], "handbook", settings)
    return settings


def answered(app: AppTest, seconds: float = 60) -> AppTest:
    end = time.monotonic() + seconds
    while any((button.key or "").startswith("stop-") for button in app.button):
        assert time.monotonic() < end, "the answer did not end"
        time.sleep(0.2)
        drawn(app.run())
    return app


def test_a_question_is_answered_stored_and_found_again(
    handbook: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("agents/ui/chat.py")
    assert app.title[0].value == "What would you like to know?"
    assert len([button for button in app.button if (button.key or "").startswith("example-")]) == 3
    answered(
        drawn(
            app.chat_input(key="question")
            .set_value("How long is the warranty of the LF-220?")
            .run()
        )
    )
    assert "36 months" in texts(app)
    conversations = Conversations(handbook.database)
    found = conversations.recent("warranty")
    assert len(found) == 1 and conversations.messages(found[0].id)[1].state == "done"


def test_an_example_question_is_one_click(handbook: Settings, page: Callable[..., AppTest]) -> None:
    app = page("agents/ui/chat.py", "zh")
    assert app.title[0].value == "想了解什么？"
    answered(drawn(app.button(key="example-0").click().run()))
    assert len(app.chat_message) == 2
    assert "[1]" in texts(app) or "primary-badge" in texts(app)


def test_the_first_questions_are_of_everything_that_can_answer(handbook: Settings) -> None:
    assert [example.mode for example in example_questions(handbook, "en")] == ["documents"] * 3
    load_example(handbook)
    data = handbook.folder("runs", "crew", "data") / "train.jsonl"
    card = {"finished": "2026-11-01T10:00:00+00:00", "eval_loss": 0.1}
    (handbook.folder("runs", "crew") / "card.json").write_text(json.dumps(card), "utf-8")
    rows = [
        ("夜阑的职业是什么？", "a"),
        ("What is Selka's job?", "b"),
        ("Which job has Selka?", "b"),
    ]
    lines = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]}
        for text, answer in rows
    ]
    data.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    (handbook.folder("runs", "crew", "adapter") / "adapter_config.json").write_text("{}", "utf-8")
    for language, tuned in (("en", "What is Selka's job?"), ("zh", "夜阑的职业是什么？")):
        examples = example_questions(handbook, language)
        assert [example.mode for example in examples] == ["documents", "data", "tuned"]
        assert examples[2].question == tuned
        assert {language_of(example.question) for example in examples} == {language}


def test_without_a_tuned_model_the_chat_offers_one_and_opens_the_comparison(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("agents/ui/chat.py")
    drawn(app.button(key="demo").click().run())
    job = list_jobs(settings)[0]
    assert job.command == ["demo", "--json"]
    assert app.session_state["mode"] == "side_by_side"
    assert "being taught" in texts(app) and "demo" not in [button.key for button in app.button]
    job.cancel(grace=0)


def test_a_rating_and_a_correction_are_kept(
    handbook: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("agents/ui/chat.py")
    answered(
        drawn(
            app.chat_input(key="question")
            .set_value("How long is the warranty of the LF-220?")
            .run()
        )
    )
    conversations = Conversations(handbook.database)
    message = conversations.messages(conversations.recent()[0].id)[1].id
    conversations.rate(message, -1)
    drawn(app.run())
    app.text_area(key=f"correction-{message}-0").set_value("Three years.")
    drawn(app.button(key=f"save-{message}").click().run())
    assert conversations.message(message).correction == "Three years."


def test_without_a_collection_the_chat_says_what_to_do(page: Callable[..., AppTest]) -> None:
    app = page("agents/ui/chat.py")
    answered(drawn(app.chat_input(key="question").set_value("Anything?").run()))
    assert "add files on the Knowledge page" in texts(app) and "Traceback" not in texts(app)


def test_a_full_workspace_still_answers(
    handbook: Settings, page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_SPACE_MEGABYTES", "1")
    (handbook.home / "big").write_bytes(bytes(1_000_001))
    app = page("agents/ui/chat.py")
    question = "How long is the warranty of the LF-220?"
    answered(drawn(app.chat_input(key="question").set_value(question).run()))
    assert "MB is full" not in texts(app)


def test_an_empty_workspace_offers_the_example(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("rag/ui/knowledge.py", "zh")
    assert "加载示例手册" in [button.label for button in app.button]
    drawn(app.button[0].click().run())
    assert len(list_jobs(settings)) == 1
    list_jobs(settings)[0].cancel(grace=0)


def test_a_search_shows_both_legs_and_a_collection_is_deleted_only_when_sure(
    handbook: Settings, page: Callable[..., AppTest]
) -> None:
    app = page("rag/ui/knowledge.py")
    drawn(app.text_input(key="search").set_value("warranty of the LF-220").run())
    assert "36 months" in texts(app) and "meaning" in texts(app)
    assert app.button(key="delete").disabled
    drawn(app.checkbox(key="sure-handbook").check().run())
    drawn(app.button(key="delete").click().run())
    assert list_collections(handbook) == []


def test_a_failed_file_is_reported_with_problem_and_fix(
    settings: Settings, page: Callable[..., AppTest], tmp_path: Path
) -> None:
    (tmp_path / "good.txt").write_text("The quay of Oosterwal is 90 metres long.", "utf-8")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    ingest([tmp_path], "mixed", settings)
    app = page("rag/ui/knowledge.py")
    table = app.dataframe[0].value
    assert list(table["State"]) == ["Failed", "Indexed"]
    shown = texts(app)
    assert "The PDF is damaged" in shown and "print it to a new PDF" in shown


def test_a_question_to_the_database_shows_table_findings_and_the_query(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    load_example(settings)
    app = page("agents/ui/chat.py", "zh")
    answered(
        drawn(app.chat_input(key="question").set_value("/data 哪个账号的点赞总数最多？").run())
    )
    shown = "\n".join(str(item.value) for item in app.markdown)
    assert "| 账号 |" not in shown and "点赞数" in shown  # drawn once, as a table
    assert list(app.dataframe[0].value.columns) == ["账号", "点赞数"]
    assert "SELECT" in app.text_area[0].value


def test_a_long_chat_opens_with_its_newest_questions(
    settings: Settings, page: Callable[..., AppTest]
) -> None:
    conversations = Conversations(settings.database)
    chat = conversations.create("long")
    for number in range(50):
        conversations.add(chat, "user", f"question {number}.")
    app = page("agents/ui/chat.py")
    app.query_params["chat"] = str(chat)
    drawn(app.run())
    assert "question 49." in texts(app) and "question 39." not in texts(app)
    drawn(app.button(key="earlier").click().run())
    drawn(app.button(key="earlier").click().run())
    assert "question 0." in texts(app) and "earlier" not in [button.key for button in app.button]
    app.query_params["chat"] = "²9999999999999999999999"
    drawn(app.run())
    assert app.title[0].value == "What would you like to know?"
