"""Steps of an answer wherever answers are read: the page, the export, the import, the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest
from tool_model import Body, Reply, results_in, tool_server

from workbench.chat.conversations import Conversations
from workbench.chat.events import (
    Calling,
    Chart,
    Done,
    Event,
    Query,
    Step,
    Table,
    Token,
    check_event,
    to_dict,
)
from workbench.chat.export import export_all, export_chat
from workbench.chat.importing import import_chats
from workbench.cli import workbench
from workbench.errors import InvalidInput
from workbench.settings import Settings

__all__ = ["page"]
OWN: list[Event] = [Query("SELECT 1 AS n", "sqlite", "s"), Table(["n"], [[1]])]
STEPS: list[Event] = [
    Calling(1, "data", {"question": "How many?"}),
    Step(1, "data", {"question": "How many?"}, "| n |", "done", 0.5, [to_dict(one) for one in OWN]),
    Step(2, "wiki__find", {"question": "`*x*`<b>"}, "<script>alert(1)</script>", "failed"),
    Calling(3, "calculator", {"expression": "1+1"}, consent="nobody waits", server="wiki"),
    Token("One."),
    Done("none", 1.0),
]


@pytest.fixture
def conversations(settings: Settings) -> Conversations:
    """A chat whose answer has steps, and a call that was stopped."""
    kept = Conversations(settings.database)
    chat = kept.create("a chat")
    kept.add(chat, "user", "How many?")
    answer = kept.add(chat, "assistant", "", mode="assistant")
    kept.save(answer, STEPS, "done")
    return kept


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_each_step_folded(
    conversations: Conversations, page: Callable[..., AppTest], language: str
) -> None:
    app = page("agents/ui/chat.py", language)
    app.query_params["chat"] = "1"
    shown = drawn(app.run())
    labels = [str(one.label) for one in shown.expander]
    assert any("How many?" in label for label in labels)
    assert any(
        "wiki" in label and ("failed", "失败")[language == "zh"] in label for label in labels
    )
    read = texts(shown)
    assert ("stopped", "已停止")[language == "zh"] in read
    assert "One." in read and len(shown.dataframe) == 1
    assert not [one for one in shown.button if (one.key or "").startswith("consent-")]


def test_steps_leave_the_workspace_and_come_back(
    conversations: Conversations, settings: Settings
) -> None:
    text = export_chat(conversations, 1, "md")
    assert '`data({"question": "How many?"})`' in text and "SELECT 1 AS n" in text
    assert "<script>alert" not in export_chat(conversations, 1, "html")
    other = Conversations(settings.home / "other.db")
    import_chats(other.place, export_all(conversations).encode())
    assert other.messages(1)[1].events == STEPS


def test_a_step_from_elsewhere_is_checked_inside(conversations: Conversations) -> None:
    chart = to_dict(Chart({"data": {"url": "http://evil.example"}}))
    step = to_dict(Step(1, "data", {}, "", "done", 0.0, [chart]))
    whole = json.loads(export_all(conversations))
    whole["chats"][0]["messages"][1]["events"] = [step]
    whole["chats"][0]["origin"] = "elsewhere"
    with pytest.raises(InvalidInput):
        import_chats(conversations.place, json.dumps(whole).encode())
    for wrong in (
        {**step, "state": "other"},
        {**step, "events": [step]},
        {**step, "events": [{"event": "token", "text": 3}]},
    ):
        with pytest.raises(ValueError):
            check_event(wrong)


def test_the_command_prints_each_step(settings: Settings) -> None:
    def speak(body: Body) -> Reply:
        if "tools" not in body:
            return Reply("calculator")
        if not results_in(body):
            return Reply(calls=[("calculator", {"expression": "6 * 7"})])
        return Reply("It is 42.")

    with tool_server(speak) as url:
        environment = {"WORKBENCH_OPENAI_BASE_URL": url, "WORKBENCH_MODEL": "openai:scripted"}
        command = ["ask", "What is 6 * 7?", "--mode", "assistant"]
        as_json = CliRunner().invoke(workbench, [*command, "--json"], env=environment)
        as_text = CliRunner().invoke(workbench, command, env=environment)
    events = [json.loads(line) for line in as_json.stdout.splitlines()]
    (step,) = [event for event in events if event["event"] == "step"]
    assert (step["tool"], step["arguments"], step["result"]) == (
        "calculator",
        {"expression": "6 * 7"},
        "42",
    )
    assert as_text.stdout.strip() == "It is 42." and "✓ 1. calculator: 42" in as_text.stderr
