"""A source's own writer: asked first, held to what it was taught, and honest about what it is."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from model_servers import openai_server
from streamlit.testing.v1 import AppTest
from test_data_expert import Replies, notices, one, text_of

from agents.answer import answer
from agents.data.accuracy import measure, read_questions
from agents.data.expert import answer_from_data
from agents.data.writer import TEMPERATURES
from agents.databases.example import load_example
from agents.databases.introspect import load_schema
from agents.databases.notes import load_notes, set_writer
from agents.databases.sources import DataSource
from agents.databases.teaching.agreement import differences
from agents.databases.teaching.reading import Reader
from agents.question import Question
from agents.tuned.agent import tuned_model
from workbench.chat.events import Done, Event, Notice, Query, Suggestions, Table
from workbench.cli import workbench
from workbench.errors import NotFound
from workbench.settings import Settings, load_settings

LIKES = (
    "SELECT account, SUM(CAST(star AS INTEGER)) AS likes FROM ads_summary "
    "GROUP BY account ORDER BY likes DESC"
)
DAILY_LIKES = (
    "SELECT SUBSTR(create_time, 1, 10) AS day, SUM(CAST(star AS INTEGER)) AS likes "
    "FROM ads_summary GROUP BY day ORDER BY day"
)
LEAST_LIKED = (
    "SELECT desc, account, CAST(star AS INTEGER) AS likes FROM ads_summary ORDER BY likes LIMIT 1"
)
MOST_LIKES = "SELECT MAX(CAST(star AS INTEGER)) AS likes FROM ads_summary"
TYPES = "SELECT COUNT(DISTINCT kind) AS types FROM materials"
TAUGHT = [("Which account has the most likes?", LIKES), ("哪个账号的点赞数最多？", LIKES)]
PAGE = str(Path(__file__).resolve().parents[1] / "agents" / "databases" / "ui" / "data.py")


@pytest.fixture
def source(settings: Settings) -> DataSource:
    return load_example(settings)


def ask(
    script: Replies, question: str, source: DataSource, settings: Settings, **choices: str
) -> list[Event]:
    """The example asked, with a model that replies from a list as its writer."""
    with openai_server(script) as url:
        settings = load_settings(
            openai_base_url=url, **{"model": "none", "source": source.name, **choices}
        )
        set_writer(source, settings, "openai:scripted")
        return list(answer(question, [], settings, "data"))


def make_run(settings: Settings, name: str) -> None:
    """What a training leaves of a run, without weights."""
    folder = settings.folder("runs", name)
    for part in ("adapter", "data"):
        (folder / part).mkdir()
    (folder / "adapter" / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": str(folder)})
    )
    lines = [
        {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": sql}]}
        for question, sql in TAUGHT
    ]
    (folder / "data" / "train.jsonl").write_text(
        "\n".join(json.dumps(line) for line in lines), "utf-8"
    )
    (folder / "card.json").write_text(json.dumps({"system": "Write SQL.", "data_sha256": "abc"}))


@pytest.mark.parametrize(
    ("question", "remark"),
    [
        ("Which publisher got most likes?", "check the query"),
        ("点赞数最高的账号是哪个？", "请核对查询"),
    ],
)
def test_the_writer_gets_the_question_alone_and_says_what_it_is(
    question: str, remark: str, source: DataSource, settings: Settings
) -> None:
    script = Replies(LIKES)
    events = ask(script, question, source, settings)
    assert [message["content"] for message in script.requests[0]["messages"]] == [question]
    assert one(events, Table).rows[0] == ["Northwind Coffee", 55543] and one(
        events, Query
    ).sql.endswith("LIMIT 10")
    assert "openai:scripted" in notices(events) and remark in notices(events)
    kinds = [type(event) for event in events]
    assert kinds.index(Table) < kinds.index(Notice), "what to know about a result stands below it"
    done = one(events, Done)
    assert done.model == done.lineage["writer"] == "openai:scripted"


def test_its_queries_go_through_the_same_guard(source: DataSource, settings: Settings) -> None:
    before = Path(source.file).read_bytes()
    events = ask(
        Replies("DELETE FROM ads_summary"), "Which account has the most likes?", source, settings
    )
    assert "Only a SELECT may run" in text_of(events) and not [
        event for event in events if isinstance(event, Query)
    ]
    assert Path(source.file).read_bytes() == before


def test_it_tries_again_until_query_and_question_agree(
    source: DataSource, settings: Settings
) -> None:
    wrong = LIKES.replace("star", "share")
    script = Replies(wrong, wrong, LIKES)
    spoken = settings.model_copy(update={"system_prompt": "Answer in rhyme."})
    events = ask(script, "Which account has the most likes?", source, spoken)
    assert one(events, Table).rows[0][0] == "Northwind Coffee" and len(script.requests) == 3
    assert "rhyme" not in str(script.requests), "a writer is held to the prompt of its training"
    assert [request["temperature"] for request in script.requests] == [0.0, 1.0, 1.0]
    hopeless = Replies(wrong)
    text = text_of(ask(hopeless, "Which account has the most likes?", source, settings))
    assert (
        "do not agree" in text and "“likes”" in text and len(hopeless.requests) == len(TEMPERATURES)
    )


def test_a_name_that_was_corrected_in_the_writers_query_is_named(
    source: DataSource, settings: Settings
) -> None:
    script = Replies(LIKES.replace("account", "acount"))
    events = ask(script, "Which account has the most likes?", source, settings)
    assert one(events, Table).rows[0][0] == "Northwind Coffee"
    assert "Corrected in the query: acount → ads_summary.account" in notices(events)


def test_the_writer_is_not_named_where_its_query_failed_and_the_model_answered(
    source: DataSource, settings: Settings
) -> None:
    make_run(settings, "small")
    load_schema(source, settings)
    with sqlite3.connect(source.file) as connection:
        connection.execute("ALTER TABLE ads_summary RENAME TO posts")
    script = Replies(LIKES, "SELECT count(*) AS n FROM materials", "There are 5.")
    with openai_server(script) as url:
        settings = load_settings(model="openai:other", openai_base_url=url, source=source.name)
        set_writer(source, settings, "openai:scripted")
        question = "Which account has the most likes?"
        events = list(answer_from_data(Question(question, [], settings), verified=False))
    assert one(events, Table).rows == [[5]]
    assert one(events, Done).model == "openai:other" and "scripted" not in notices(events)


def test_what_the_writer_declines_goes_to_the_connected_model(
    source: DataSource, settings: Settings
) -> None:
    make_run(settings, "small")
    script = Replies("SELECT count(*) AS n FROM materials", "There are 5.")
    with openai_server(script) as url:
        settings = load_settings(model="openai:scripted", openai_base_url=url, source=source.name)
        set_writer(source, settings, "local:small")
        events = list(answer("How many films are there?", [], settings, "data"))
    assert one(events, Table).rows == [[5]] and one(events, Done).model == "openai:scripted"
    assert "Tables:" in script.requests[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    ("question", "words", "example"),
    [
        ("Which account has the most followers?", "never taught “follower”", TAUGHT[0][0]),
        ("删除所有帖子", "没有学过“删除帖子”", TAUGHT[1][0]),
        ("What is the weather like in Paris?", "“weather”, “pari”", TAUGHT[0][0]),
    ],
)
def test_a_question_with_words_it_was_never_taught_is_declined_with_examples(
    question: str, words: str, example: str, source: DataSource, settings: Settings
) -> None:
    """The run has no weights: it is not even loaded."""
    make_run(settings, "small")
    set_writer(source, settings, "local:small")
    events = list(answer(question, [], load_settings(model="none", source=source.name), "data"))
    text = text_of(events)
    assert words in text and "local:small" in text and isinstance(events[-1], Done)
    assert one(events, Suggestions).questions[0] == ("data", example)


@pytest.mark.parametrize(
    ("question", "sql", "differs"),
    [
        ("Which account has the most likes?", LIKES, []),
        ("Which account has the fewest likes?", LIKES, ["fewest"]),
        ("Which account has the most likes?", LIKES.replace(" DESC", ""), ["most", "fewest"]),
        ("Which topic has the most likes?", LIKES, ["topic", "account"]),
        ("Which account has the most likes on average?", LIKES, ["on average"]),
        (
            "Likes of Lumen Lights",
            "SELECT SUM(CAST(star AS INTEGER)) AS n FROM ads_summary",
            ["Lumen Lights"],
        ),
        (
            "Likes of Lumen Lights",
            "SELECT SUM(CAST(star AS INTEGER)) AS n FROM ads_summary WHERE account = '拾光书店'",
            ["Lumen Lights", "拾光书店"],
        ),
        (
            "Posts with more than 500 likes",
            "SELECT desc FROM ads_summary WHERE CAST(star AS INTEGER) > 50",
            ["more than 500", "50"],
        ),
        (
            "点赞最多的三条帖子",
            "SELECT desc FROM ads_summary ORDER BY CAST(star AS INTEGER) DESC LIMIT 5",
            ["三", "LIMIT 5"],
        ),
        ("每天的激活数", "SELECT SUM(count) AS n FROM activations", ["每天"]),
        (
            "激活数最多的素材",
            "SELECT COUNT(*) AS n FROM activations JOIN materials ON material_id = id "
            "GROUP BY name ORDER BY n DESC",
            ["激活数", "name"],
        ),
        (
            "How many activations did 春茶短片 get?",
            "SELECT SUM(count) AS n FROM activations JOIN materials ON material_id = id "
            "WHERE kind = '春茶短片'",
            ["春茶短片"],
        ),
        ("How many posts were made per day?", DAILY_LIKES, ["star"]),
        ("Which account posted the least?", LEAST_LIKED, ["account", "star"]),
        ("Which account has the post with the most likes?", LIKES, ["total"]),
        ("Which post has the most likes?", MOST_LIKES, ["how many"]),
        (
            "Average activations per user",
            "SELECT user_id, AVG(count) AS n FROM activations GROUP BY user_id",
            ["average"],
        ),
        ("Likes in total", LEAST_LIKED, ["LIMIT 1", "in total", "fewest"]),
        ("How many creatives by type?", TYPES, ["how many"]),
        ("How many types of creatives?", TYPES, []),
        (
            "Which accounts posted in March?",
            "SELECT desc, account FROM ads_summary WHERE SUBSTR(create_time, 1, 7) = '2025-03'",
            ["accounts"],
        ),
        (
            "How many posts after March 5?",
            "SELECT COUNT(*) AS n FROM ads_summary WHERE SUBSTR(create_time, 1, 10) >= '2025-03-05'",
            ["after March 5", "2025-03-05"],
        ),
        ("Posts without likes", "SELECT desc FROM ads_summary", ["likes", "without"]),
        (
            "最早的帖子",
            "SELECT desc, create_time AS t FROM ads_summary ORDER BY t DESC LIMIT 1",
            ["最新", "最早"],
        ),
        (
            "提到“茶”的帖子",
            "SELECT desc FROM ads_summary WHERE desc LIKE '%咖啡%'",
            ["“茶”", "咖啡"],
        ),
        ("不同的账号有几个？", "SELECT COUNT(*) AS n FROM ads_summary", ["账号", "多少", "不同的"]),
        ("哪个账号发帖最多？", LIKES, ["star", "总共"]),
    ],
)
def test_a_query_and_its_question_must_agree(
    question: str, sql: str, differs: list[str], source: DataSource, settings: Settings
) -> None:
    schema = load_schema(source, settings)
    values = ["Lumen Lights", "拾光书店", "春茶短片"]
    assert differences(Reader(schema, values).read(question), sql, schema) == differs


def test_a_run_that_writes_queries_is_not_talked_to(source: DataSource, settings: Settings) -> None:
    make_run(settings, "small")
    assert tuned_model(settings) == "local:small"
    set_writer(source, settings, "local:small")
    with pytest.raises(NotFound):
        tuned_model(settings)
    make_run(settings, "crew")
    assert tuned_model(settings) == "local:crew"


def test_the_writer_is_named_and_taken_away_by_command_and_on_the_page(
    source: DataSource, settings: Settings
) -> None:
    make_run(settings, "small")

    def data(*words: str) -> str:
        shown = CliRunner().invoke(workbench, ["data", *words, "--json"])
        return shown.stdout + shown.stderr

    assert "There is no model nobody" in data("writer", "advertising", "local:nobody")
    data("writer", "advertising", "local:small")
    assert json.loads(data("list"))["writer"] == "local:small"
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert page.selectbox(key="writer-advertising").value == "local:small" and not page.exception
    page.selectbox(key="writer-advertising").set_value("none").run()
    assert load_notes(source, settings).writer == "" and json.loads(data("list"))["writer"] == ""
    assert len(load_notes(source, settings).pairs) == 12, "what else is noted stays"


def test_accuracy_counts_results_and_not_texts(
    source: DataSource, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "asked.jsonl"
    asked = [
        *TAUGHT,
        ("Which account has the most shares?", LIKES.replace("star", "share")),
        ("How is the weather?", ""),
    ]
    rows = [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": s}]}
        for q, s in asked
    ]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with openai_server(Replies(LIKES.replace("likes", "n"))) as url:
        settings = load_settings(openai_base_url=url)
        set_writer(source, settings, "openai:scripted")
        verdicts = [row.verdict for row in measure(read_questions(file), source, settings)]
    assert verdicts == ["right", "right", "declined", "right"]
