"""A small model's query is confirmed by another: which result is kept, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from databases import make_sqlite
from model_servers import Script, openai_server
from serving import Answering, serving

from agents.answer import answer
from agents.data.confirming import SMALL_UP_TO, wants_confirmation
from agents.databases.sources import add_source
from workbench.chat.events import Done, Event, Notice, Query, Table
from workbench.models.chosen import ChosenModel
from workbench.models.servers import ModelInfo
from workbench.settings import Settings, load_settings

RIGHT = "SELECT count(*) FROM orders"
SAME = "SELECT COUNT(id) AS n FROM orders"
WRONG = "SELECT count(*) FROM users WHERE id < 3"
OTHER = "SELECT max(id) + 4 FROM users"
NOTHING = "SELECT name FROM users WHERE name = 'ann'"
NOTHING_ELSE = "SELECT name FROM users WHERE name = 'bob'"
AGREE, DIFFER, NONE_AGREES = "agree on this result.", "at least one differs", "no two agree"


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Settings:
    add_source(settings, "shop", str(make_sqlite(tmp_path / "shop.sqlite")))
    return settings


def ask(*replies: str, confirm: str = "always") -> tuple[list[Event], list[dict[str, Any]]]:
    """The events and the requests for queries; whoever asks for words about a result gets none."""
    asked: list[dict[str, Any]] = []

    def reply(body: dict[str, Any]) -> str:
        if body["messages"][0]["role"] != "system":
            return ""
        asked.append(body)
        return replies[len(asked) - 1]

    with openai_server(Script(reply=reply)) as url:
        settings = load_settings(
            model="openai:scripted", openai_base_url=url, confirm_queries=confirm
        )
        events = list(answer("How many orders are there?", [], settings, "data"))
    return events, asked


@pytest.mark.parametrize(
    ("replies", "query", "said"),
    [
        ([RIGHT, SAME], RIGHT, AGREE),
        ([RIGHT, RIGHT], RIGHT, AGREE),
        ([WRONG, RIGHT, SAME], RIGHT, DIFFER),
        ([WRONG, RIGHT, WRONG], WRONG, DIFFER),
        ([WRONG, RIGHT, OTHER], WRONG, NONE_AGREES),
        ([RIGHT, "DROP TABLE users", SAME], RIGHT, DIFFER),
        ([RIGHT, "CANNOT: no such table", "words"], RIGHT, NONE_AGREES),
        # that two find nothing confirms neither
        ([NOTHING, NOTHING_ELSE, OTHER], NOTHING, ""),
        ([NOTHING, RIGHT, SAME], RIGHT, DIFFER),
        # the first query is corrected before it is confirmed
        (["SELECT nothing FROM orders", RIGHT, SAME], RIGHT, AGREE),
    ],
)
def test_the_result_that_two_queries_agree_on_is_kept_and_told(
    replies: list[str], query: str, said: str, shop: Settings
) -> None:
    events, asked = ask(*replies)
    [ran] = [event for event in events if isinstance(event, Query)]
    table = query.partition(" FROM ")[2].split()[0]
    assert f'FROM "{table}"' in ran.sql
    assert ("WHERE" in ran.sql) == ("WHERE" in query)
    notices = " ".join(event.text for event in events if isinstance(event, Notice))
    assert said in notices
    assert len(asked) == len(replies)
    done = events[-1]
    assert isinstance(done, Done) and done.lineage["queries"] >= 2


def test_the_other_queries_are_written_apart_from_the_first(shop: Settings) -> None:
    _, asked = ask("SELECT nothing FROM orders", RIGHT, SAME)
    first, _, other = asked
    assert other["messages"] == first["messages"], "neither the first query nor its error is shown"
    assert other["temperature"] > first["temperature"]


def test_where_it_is_turned_off_one_query_is_written_and_nothing_said(shop: Settings) -> None:
    events, asked = ask(RIGHT, confirm="never")
    assert len(asked) == 1 and not [event for event in events if isinstance(event, Notice)]
    assert [event.rows for event in events if isinstance(event, Table)] == [[[3]]]


@pytest.mark.parametrize(
    ("size", "choice", "wanted"),
    [
        (270_000_000, "small", True),
        (int(SMALL_UP_TO), "small", True),
        (int(SMALL_UP_TO) + 1, "small", False),
        (0, "small", False),
        (0, "always", True),
        (270_000_000, "never", False),
    ],
)
def test_small_is_what_the_server_says_of_the_weights(
    size: int, choice: str, wanted: bool, settings: Settings
) -> None:
    chosen = settings.model_copy(update={"confirm_queries": choice})
    assert wants_confirmation(ChosenModel(ModelInfo("ollama:m", size=size), chosen)) is wanted


def test_an_ollama_servers_list_tells_that_a_model_is_small(shop: Settings) -> None:
    """Through the server's own API: a small model is asked twice without any setting."""
    chats: list[dict[str, Any]] = []

    class Ollama(Answering):
        def do_GET(self) -> None:
            models = [{"name": "little:latest", "digest": "d1", "size": 91_000_000}]
            self.send_whole("application/json", json.dumps({"models": models}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self.path.endswith("/api/chat"):
                self.send_whole("application/json", b'{"model_info": {}, "capabilities": []}')
                return
            words = ""
            if body["messages"][0]["role"] == "system":
                chats.append(body)
                words = RIGHT
            message = {"role": "assistant", "content": words}
            line = {"model": "little", "message": message, "done": True, "done_reason": "stop"}
            self.send_whole("application/x-ndjson", json.dumps(line).encode() + b"\n")

    with serving(Ollama) as url:
        settings = load_settings(model="ollama:little", ollama_host=url)
        events = list(answer("How many orders are there?", [], settings, "data"))
    assert len(chats) == 2
    assert AGREE in " ".join(event.text for event in events if isinstance(event, Notice))
