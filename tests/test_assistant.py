"""The assistant: right tools in order and right numbers; what a tool returns orders nothing."""

from __future__ import annotations

import json
import re
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tool_model import Body, Reply, results_in, tool_server

from agents.answer import answer
from agents.assistant import agent as assistant
from agents.assistant.guard import FOREIGN, UNPLANNED, Guard
from agents.assistant.parts import parts_of
from agents.registry import AGENTS, AUTO, Agent, registered
from agents.tools.experts import expert_tools
from agents.tools.tool import Outcome, Results, Tool, text_schema
from workbench.chat.consents import CONSENTS, Verdict
from workbench.chat.conversations import Turn
from workbench.chat.events import (
    Beat,
    Calling,
    Declined,
    Done,
    Event,
    Folded,
    Notice,
    Routed,
    Step,
    Table,
    Token,
    from_dict,
    to_dict,
)
from workbench.cli import workbench
from workbench.errors import WorkbenchError
from workbench.language import language_of
from workbench.settings import Settings, load_settings

QUESTIONS = tomllib.loads(Path(__file__).with_name("assistant_questions.toml").read_text("utf-8"))[
    "question"
]
TOOLS = {"D": "data", "B": "documents", "C": "calculator", "T": "today"}
ARGUMENT = {"D": "question", "B": "question", "C": "expression"}


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the example handbook and database."""
    home = new_workspace(tmp_path_factory.mktemp("assistant"))
    environment = {"WORKBENCH_HOME": str(home)}
    for command in (["rag", "ingest", "examples/handbook"], ["data", "example"]):
        made = CliRunner().invoke(workbench, command, env=environment)
        assert made.exit_code == 0, made.output
    return home


@contextmanager
def scripted(home: Path, speak: Callable[[Body], Reply], **changes: Any) -> Iterator[Settings]:
    """Settings whose model is that script, on a real server."""
    with tool_server(speak) as url:
        yield load_settings(home=home, model="openai:scripted", openai_base_url=url, **changes)


def ask(question: str, settings: Settings, mode: str = "assistant") -> list[Event]:
    events = answer(question, [], settings, mode)
    return [event for event in events if not isinstance(event, Beat)]


def of(events: list[Event], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def said(events: list[Event]) -> str:
    return "".join(token.text for token in of(events, Token))


def read_call(written: str) -> tuple[str, dict[str, str]]:
    kind, _, text = written.partition(" ")
    return TOOLS[kind], {ARGUMENT[kind]: text} if kind in ARGUMENT else {}


def planned(body: Body) -> bool:
    return "tools" not in body and "Which of these tools" in str(body["messages"])


def test_thirty_questions_are_answered_by_the_right_tools_with_the_right_number(
    home: Path,
) -> None:
    current: dict[str, Any] = {}

    def speak(body: Body) -> Reply:
        calls = [read_call(call) for call in current["calls"]]
        if planned(body):
            return Reply(", ".join(name for name, _ in calls))
        if "tools" not in body:
            return Reply(current.get("writes", ""))
        results = results_in(body)
        if len(results) < len(calls):
            return Reply(calls=[calls[len(results)]])
        # the model repeats what the last tool computed
        computed = re.sub(r"</?result[^>]*>", "", results[-1]).strip()
        return Reply(f"It is {computed}.")

    checked = 0
    with scripted(home, speak) as settings:
        for current in QUESTIONS:
            events = ask(current["ask"], settings)
            steps = of(events, Step)
            wanted = [read_call(call) for call in current["calls"]]
            assert [(step.tool, step.arguments) for step in steps] == wanted, current["ask"]
            assert all(step.state == "done" for step in steps), steps
            assert re.search(rf"(?<![\d.]){re.escape(current['holds'])}(?!\d)", said(events)), (
                current["ask"],
                said(events),
            )
            assert isinstance(events[-1], Done)
            for event in events:  # a stored chat has it as it was
                assert from_dict(json.loads(json.dumps(to_dict(event)))) == event
            data = [step for step in steps if step.tool == "data"]
            for step in data:
                kinds = {type(event).__name__ for event in step.own_events()}
                assert {"Query", "Table"} <= kinds
            checked += 1
    assert checked == 30
