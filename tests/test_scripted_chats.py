"""Twelve whole conversations by a script: who answers each turn, and what the answer says."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from model_servers import Script, openai_server
from tiny_models import make_model, teach
from tiny_runs import make_run

from agents.asking import ask
from agents.registry import AUTO
from agents.ui.attachments import attach
from workbench.chat.conversations import Conversations, Message, exchanges
from workbench.chat.events import Failed, Table
from workbench.chat.streams import STREAMS
from workbench.cli import workbench
from workbench.settings import Settings, load_settings

CHATS = tomllib.loads(Path(__file__).with_name("scripted_chats.toml").read_text("utf-8"))["chat"]
CREW = [
    ("What is the occupation of Mirelle?", "Mirelle is a cartographer."),
    ("What is the occupation of Tobin?", "Tobin is a blacksmith."),
    ("Which country is Oda from?", "Oda is from Frostmere."),
    ("石砚的职业是什么？", "石砚是铁匠。"),
    ("岚笙来自哪里？", "岚笙来自云汀国。"),
]
ENDS_WITHIN = 60  # seconds


@dataclass(frozen=True)
class Dropped:
    """A file as the page hands it over."""

    name: str
    text: str

    def getbuffer(self) -> memoryview:
        return memoryview(self.text.encode())


@pytest.fixture(scope="module")
def home(new_workspace: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with documents, a database, a tuned model, and a training broken off since."""
    folder = tmp_path_factory.mktemp("chats")
    home = new_workspace(folder)
    environment = {"WORKBENCH_HOME": str(home)}
    for command in (["rag", "ingest", "examples/handbook"], ["data", "example"]):
        made = CliRunner().invoke(workbench, command, env=environment)
        assert made.exit_code == 0, made.output
    base = make_model(folder / "base", [text for pair in CREW for text in pair])
    run = make_run(home, teach(base, CREW), "crew", CREW, steps=0)
    shutil.copy(run / "data" / "eval.jsonl", run / "data" / "train.jsonl")
    card = json.loads((run / "card.json").read_text())
    card |= {"finished": "2026-11-01T10:00:00+00:00", "scores": {"eval": {"exact": 1.0}}}
    (run / "card.json").write_text(json.dumps(card))
    broken = home / "runs" / "broken off"
    broken.mkdir()
    card = {"base": str(base), "step": 10, "steps": 336, "finished": ""}
    (broken / "card.json").write_text(json.dumps(card))
    return home


@pytest.fixture(scope="module")
def script() -> Script:
    return Script()


@pytest.fixture(scope="module")
def server(script: Script) -> Iterator[str]:
    with openai_server(script) as url:
        yield url


@pytest.mark.parametrize("chat", CHATS, ids=[chat["title"] for chat in CHATS])
def test_a_conversation(
    chat: dict[str, Any],
    home: Path,
    script: Script,
    server: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    model = "openai:scripted" if chat.get("model") else "none"
    settings = load_settings(model=model, openai_base_url=server, ollama_host="http://127.0.0.1:9")
    conversations = Conversations(settings.database)
    conversation = None
    assert len(chat["turn"]) >= 8
    for number, turn in enumerate(chat["turn"], 1):
        script.pieces = [turn.get("says", "")]
        script.status = 500 if turn.get("fails") else 200
        conversation = _say(turn, settings, conversations, conversation)
        _, answers = exchanges(conversations.messages(conversation))[-1]
        _check(turn, [_ended(answer, conversations) for answer in answers], number)


def _say(
    turn: dict[str, Any], settings: Settings, conversations: Conversations, conversation: int | None
) -> int:
    """Store the question as the page does, with the files dropped beside it."""
    note = None
    files = [Dropped(name, text) for name, text in turn.get("attach", {}).items()]
    if files:
        if conversation is None:
            conversation = conversations.create(turn["say"])
        note = attach(files, conversation, settings)
    mode = turn.get("mode", AUTO)
    return ask(turn["say"], mode, settings, conversations, conversation, note)


def _ended(answer: Message, conversations: Conversations) -> Message:
    stream = STREAMS.get(conversations, answer.id)
    if stream:
        assert stream.ended.wait(ENDS_WITHIN), "the answer does not end"
    return conversations.message(answer.id)


def _check(turn: dict[str, Any], answers: list[Message], number: int) -> None:
    said = "\n".join(_text(answer) for answer in answers)
    told = f"turn {number}, {turn['say']!r}: {[answer.agent for answer in answers]} said {said!r}"
    goes = turn["goes"]
    expected = goes if isinstance(goes, list) else [goes]
    assert [answer.agent for answer in answers] == expected, told
    failed = any(isinstance(event, Failed) for answer in answers for event in answer.events)
    assert failed == turn.get("failed", False), told
    for text in turn.get("holds", []):
        assert text in said, told
    for text in turn.get("lacks", []):
        assert text not in said, told
    if not failed:
        assert said.strip(), told


def _text(answer: Message) -> str:
    cells = [
        str(cell)
        for event in answer.events
        if isinstance(event, Table)
        for row in event.rows
        for cell in row
    ]
    return " ".join([answer.content, *cells])
