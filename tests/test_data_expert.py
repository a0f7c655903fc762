"""The data agent: a question to a table, findings, a chart and honest words, whatever the model."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from databases import make_sqlite
from model_servers import Script, openai_server

from agents.answer import answer
from agents.data.prompting import read_sql
from agents.databases.example import load_example
from agents.databases.introspect import load_schema
from agents.databases.notes import add_pair
from agents.databases.sources import add_source, find_source
from workbench.chat.conversations import Turn
from workbench.chat.events import (
    Beat,
    Chart,
    Done,
    Event,
    Failed,
    Notice,
    Query,
    Suggestions,
    Table,
    Thought,
    Token,
)
from workbench.cli import workbench
from workbench.settings import Settings, load_settings

SPENT = (
    "SELECT name, sum(price) AS spent FROM users JOIN orders ON users.id = user_id "
    "GROUP BY name ORDER BY spent DESC"
)


class Replies(Script):
    """A model that says one thing after the other; the last one again and again."""

    def __init__(self, *replies: str) -> None:
        super().__init__()
        self.replies = list(replies)

    @property
    def pieces(self) -> list[str]:  # type: ignore[override]
        text = self.replies[min(len(self.requests), len(self.replies)) - 1]
        return [text[start : start + 7] for start in range(0, len(text), 7)]

    @pieces.setter
    def pieces(self, value: Any) -> None:
        """The class decides."""


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Path:
    path = make_sqlite(tmp_path / "shop.sqlite")
    add_source(settings, "shop", str(path))
    return path


def ask(
    script: Script, question: str, history: list[Turn] | None = None, **choices: Any
) -> list[Event]:
    with openai_server(script) as url:
        settings = load_settings(**{"model": "openai:scripted", "openai_base_url": url, **choices})
        events = list(answer(question, history or [], settings, "data"))
    return [event for event in events if not isinstance(event, Beat)]


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


def notices(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Notice))


def one(events: list[Event], kind: type) -> Any:
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1, found
    return found[0]


def test_a_question_becomes_query_table_findings_chart_in_this_order(shop: Path) -> None:
    events = ask(
        Replies(f"```sql\n{SPENT};\n```", "- **Ann** spent most with 29.5."), "Who spent how much?"
    )
    kinds = [type(event).__name__ for event in events if not isinstance(event, Thought)]
    assert (
        kinds[:4] == ["Routed", "Query", "Token", "Table"]
        and "Chart" in kinds
        and kinds[-1] == "Done"
    )
    assert one(events, Table).rows == [["Ann", 29.5], ["Bo", 5.25]]
    assert text_of(events).startswith("| name | spent |\n| --- | --- |\n| Ann | 29.5 |")
    assert "- **Ann** spent most with 29.5." in text_of(events)
    assert one(events, Query).sql.endswith("LIMIT 10") and one(events, Query).dialect == "sqlite"
    values = one(events, Chart).spec["data"]["values"]
    assert values == [{"x": "Ann", "y": 29.5}, {"x": "Bo", "y": 5.25}]
    assert one(events, Done).lineage["source"] == "shop"


def test_the_model_gets_rules_schema_and_the_nearest_verified_pair(
    shop: Path, settings: Settings
) -> None:
    source = find_source(settings, "shop")
    add_pair(source, settings, "How many users are there?", "SELECT count(*) FROM users")
    script = Replies("SELECT 1", "ok")
    ask(script, "How many orders are there in all?")
    system = script.requests[0]["messages"][0]["content"]
    assert "SQLite" in system and "exactly one SELECT" in system and "LIMIT 10" in system
    assert "price DECIMAL(8, 2)" in system and "user_id = users.id" in system
    assert "How many users are there?\nSELECT count(*) FROM users" in system
    ask(script, "一共有多少订单？")
    assert "只能查询" in script.requests[2]["messages"][0]["content"]


@pytest.mark.parametrize(
    "reply",
    [
        "SELECT name FROM users",
        "```sql\nSELECT name FROM users;\n```",
        '{"sql": "SELECT name FROM users"}',
        "<think>Let me SELECT something.</think>SELECT name FROM users;",
        "Sure! Here it is: SELECT name FROM users",
        '```json\n{"query": "SELECT name FROM users"}\n```',
        "`SELECT name FROM users`",
        "Sure!\nSELECT name FROM users\nThis selects the names.",
        "SELECT name FROM users\n\n该查询返回所有姓名。",
    ],
)
def test_a_query_is_found_in_whatever_a_model_writes(reply: str) -> None:
    assert read_sql(reply) == "SELECT name FROM users"


def test_thinking_is_kept_apart_and_no_sql_leaks_into_the_text(shop: Path) -> None:
    events = ask(
        Replies("<think>SELECT secret</think>SELECT name FROM users", "Fine."), "Who is there?"
    )
    assert "SELECT secret" in "".join(event.text for event in events if isinstance(event, Thought))
    assert "SELECT" not in text_of(events)


def test_a_wrong_name_is_mended_and_told_without_asking_again(shop: Path) -> None:
    script = Replies("SELECT nmae FROM usres WHERE id = 1", "One name.")
    events = ask(script, "What is the name of user 1?")
    assert one(events, Table).rows == [["Ann"]]
    assert "nmae → users.name" in notices(events) and "usres → users" in notices(events)
    assert len(script.requests) <= 2


def test_the_model_is_asked_again_with_the_reason_and_the_nearest_names_at_most_twice(
    shop: Path,
) -> None:
    script = Replies(
        "SELECT salary FROM users", "SELECT sleep(1) FROM users", "SELECT name FROM users", "Names."
    )
    events = ask(script, "Who is there?")
    assert len(one(events, Table).rows) == 3
    assert "There is no column salary" in script.requests[1]["messages"][-1]["content"]
    assert "not on the list" in script.requests[2]["messages"][-1]["content"]
    hopeless = Replies("SELECT salary FROM users")
    last = ask(hopeless, "Who earns most?")[-1]
    assert isinstance(last, Failed) and "salary" in last.problem and last.fix
    assert len(hopeless.requests) == 3


@pytest.mark.parametrize(
    ("question", "words"),
    [("Delete all users!", "Data is only read here"), ("删除所有用户", "只能查询数据")],
)
def test_a_question_that_asks_to_delete_changes_nothing_and_is_told_so(
    shop: Path, question: str, words: str
) -> None:
    before = shop.read_bytes()
    events = ask(Replies("DELETE FROM users"), question)
    assert words in text_of(events) and isinstance(events[-1], Done)
    assert shop.read_bytes() == before


@pytest.mark.parametrize(
    ("question", "sentence"),
    [("Who is called Zoe?", "No matching data"), ("谁叫佐伊？", "没有查询到相关数据")],
)
def test_an_empty_result_gets_exactly_the_sentence(
    shop: Path, question: str, sentence: str
) -> None:
    events = ask(Replies("SELECT name FROM users WHERE name = 'Zoe'"), question)
    assert text_of(events) == sentence


def test_a_sentence_with_a_number_of_the_models_own_is_left_out(shop: Path) -> None:
    wording = (
        "Ann spent 29.5 in all. That is 84.89% of the total. "
        "Next year it will be 41.3. Bo spent 5.25."
    )
    events = ask(Replies(SPENT, wording), "Who spent how much?")
    text = text_of(events)
    assert "Ann spent 29.5 in all." in text and "84.89%" in text and "Bo spent 5.25." in text
    assert "41.3" not in text and "Left out of the model's text" in notices(events)


def test_a_model_without_a_true_sentence_is_replaced_by_the_findings(shop: Path) -> None:
    text = text_of(ask(Replies(SPENT, "Everyone spent 1234."), "Who spent how much?"))
    assert "1234" not in text and "is highest for **Ann**" in text


def test_a_model_that_cannot_says_why(shop: Path) -> None:
    events = ask(Replies("CANNOT: there is no weather in these tables"), "How is the weather?")
    assert "there is no weather in these tables" in text_of(events) and isinstance(events[-1], Done)


def test_without_a_model_a_verified_question_is_answered_and_others_are_told(
    shop: Path, settings: Settings
) -> None:
    add_pair(find_source(settings, "shop"), settings, "Who spent how much?", SPENT)
    events = list(answer("who spent how much", [], load_settings(model="none"), "data"))
    assert one(events, Table).rows == [["Ann", 29.5], ["Bo", 5.25]]
    assert "is highest for **Ann** with 29.5" in text_of(events)
    assert one(events, Done).lineage["verified_question"] == "Who spent how much?"
    others = list(answer("How is the weather?", [], load_settings(model="none"), "data"))
    assert "No language model is connected" in text_of(others) and "ollama" in text_of(others)
    assert one(others, Suggestions).questions == (("data", "Who spent how much?"),)


def test_a_table_that_was_dropped_is_noticed_and_the_model_gets_the_new_schema(
    shop: Path, settings: Settings
) -> None:
    load_schema(find_source(settings, "shop"), settings)
    with sqlite3.connect(shop) as connection:
        connection.execute("DROP TABLE orders")
        connection.execute("CREATE TABLE purchases (buyer INT, cost INT)")
    script = Replies("SELECT price FROM orders", "SELECT cost FROM purchases")
    assert text_of(ask(script, "What did it cost?")) == "No matching data"
    assert "purchases" in script.requests[1]["messages"][0]["content"]


def test_a_follow_up_is_asked_with_the_turns_before(shop: Path) -> None:
    script = Replies("SELECT name FROM users", "Fine.")
    ask(script, "And the others?", [Turn("user", "Who spent most?"), Turn("assistant", "Ann.")])
    assert [message["content"] for message in script.requests[0]["messages"][1:]] == [
        "Who spent most?",
        "Ann.",
        "And the others?",
    ]


def test_a_question_in_another_language_gets_the_whole_schema_and_is_told(shop: Path) -> None:
    events = ask(Replies("SELECT name FROM users", "好的。"), "谁在这里？")
    assert "问题与表结构的语言不同" in notices(events)
    assert (
        one(events, Done).lineage["whole_schema"] and len(one(events, Done).lineage["tables"]) == 2
    )


def test_without_a_source_or_with_a_wrong_one_the_fix_is_said(settings: Settings) -> None:
    for choices in ({}, {"source": "nowhere"}):
        last = list(answer("Who?", [], load_settings(model="none", **choices), "data"))[-1]
        assert isinstance(last, Failed) and "workbench data add" in last.fix


def test_ask_prints_events_as_json(shop: Path, settings: Settings) -> None:
    add_pair(find_source(settings, "shop"), settings, "Who spent how much?", SPENT)
    arguments = [
        "ask",
        "Who spent how much?",
        "--mode",
        "data",
        "--source",
        "shop",
        "--model",
        "none",
        "--json",
    ]
    shown = CliRunner().invoke(workbench, arguments)
    assert shown.exit_code == 0, shown.output
    kinds = [json.loads(line)["event"] for line in shown.stdout.splitlines()]
    assert {"routed", "query", "table", "chart", "token", "done"} == set(kinds)


@pytest.fixture
def example(settings: Settings) -> Iterator[Settings]:
    assert CliRunner().invoke(workbench, ["data", "example"]).exit_code == 0
    yield load_settings(model="none", source="advertising")


def test_the_example_answers_its_verified_questions_in_both_languages(example: Settings) -> None:
    from agents.databases.notes import load_notes

    pairs = load_notes(find_source(example, "advertising"), example).pairs
    assert len(pairs) == 12
    for pair in pairs:
        events = list(answer(pair["question"], [], example, "data"))
        assert one(events, Table).rows and isinstance(events[-1], Done), pair
        assert one(events, Chart).spec["mark"]


@pytest.mark.parametrize(
    ("question", "words"),
    [("Delete all posts", "Data is only read here"), ("删除所有帖子", "只能查询数据")],
)
def test_without_a_model_too_a_question_that_asks_to_delete_is_told_so(
    settings: Settings, question: str, words: str
) -> None:
    source = load_example(settings)
    settings = settings.model_copy(update={"model": "none", "source": source.name})
    assert words in text_of(list(answer(question, [], settings, "data")))
    assert words not in text_of(list(answer("Which accounts deleted posts?", [], settings, "data")))
