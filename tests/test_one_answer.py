"""What one answer costs and how it ends: one retrieval, few requests, beats unseen, Failed last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from click.testing import CliRunner
from recording_ollama import Script, recording_ollama
from retrieval_fakes import TopicEmbedder, make_collection

from agents.answer import answer
from agents.data.evidence import TablesAsset
from agents.databases.example import load_example
from agents.evidence import find_assets
from agents.floors import floor_for
from agents.question import Question
from agents.registry import Agent, registered
from workbench.chat.conversations import Conversations
from workbench.chat.events import Beat, Done, Event, Failed, Notice, Routed, Token
from workbench.chat.streams import STREAMS
from workbench.cli import workbench
from workbench.errors import NotFound
from workbench.language import words
from workbench.settings import Settings, load_settings

LEAVE = "How many days of annual leave do employees have?"
TEXTS = {
    "leave.md": "Employees have 28 days of annual leave.",
    "travel.md": "Trains are booked in second class.",
}


class CountingEmbedder(TopicEmbedder):
    """Counts the questions: each retrieval embeds its question once."""

    name = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[str] = []

    def embed(self, texts: Sequence[str], role: str = "document") -> np.ndarray:
        if role == "query":
            self.questions += texts
        return super().embed(texts, role)


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch) -> CountingEmbedder:
    counting = CountingEmbedder()
    for module in (
        "rag.retriever",
        "rag.calibration",
        "rag.pool",
        "agents.documents.evidence",
        "agents.documents.quoting",
    ):
        monkeypatch.setattr(f"{module}.load_embedder", lambda name, settings: counting)
    return counting


@pytest.fixture
def script() -> Script:
    return Script(pieces=("28 days [1].",))


@pytest.fixture
def chat(settings: Settings, embedder: CountingEmbedder, script: Script) -> Iterator[Settings]:
    make_collection(settings, TEXTS, embedder)
    with recording_ollama(script) as url:
        yield load_settings(collection="test", model="ollama:tiny", ollama_host=url)


@pytest.mark.parametrize("mode", ["auto", "documents"])
def test_an_answer_retrieves_once(chat: Settings, embedder: CountingEmbedder, mode: str) -> None:
    floor_for(LEAVE, find_assets(chat), chat)  # learned once for what is here
    embedder.questions.clear()
    events = list(answer(LEAVE, [], chat, mode))
    assert isinstance(events[0], Routed) and events[0].mode == "documents"
    assert isinstance(events[-1], Done)
    assert embedder.questions == [LEAVE]


@pytest.mark.parametrize("mode", ["auto", "documents"])
def test_an_answer_of_ollama_costs_two_requests_before_its_first_token(
    chat: Settings, script: Script, mode: str
) -> None:
    for event in answer(LEAVE, [], chat, mode):
        if isinstance(event, Token):
            break
    assert len(script.before_the_answer) <= 2


def test_the_tables_are_split_into_words_once_whatever_is_asked() -> None:
    split: list[str] = []

    def counting(text: str) -> list[str]:
        split.append(text)
        return words(text)

    tables = TablesAsset.of("shop", {"orders": "orders amount day", "people": "name"}, counting)
    for word in words("the amount of all orders of each day and name"):
        tables.held(word)
    assert tables.best("orders", {"orders": 1.0, "day": 2.0}).reason.startswith("the table orders")
    assert len(split) == 2


def answer_and_break(question: Question) -> Iterator[Event]:
    yield Beat()
    yield Token("Half")
    yield Notice("Something to know.")
    yield Beat()
    raise NotFound("It broke.", "Mend it.")


BREAKS = Agent(
    mode="breaks",
    run="test_one_answer:answer_and_break",
    command="/breaks",
    english="Breaks",
    chinese="中断",
    icon="",
    busy=("", ""),
    description="Breaks off.",
)


def test_failed_is_the_last_event_and_beats_are_not_printed(settings: Settings) -> None:
    with registered(BREAKS):
        assert isinstance(list(answer("x", [], settings, "breaks"))[-1], Failed)
        as_json = CliRunner().invoke(workbench, ["ask", "x", "--mode", "breaks", "--json"])
        plain = CliRunner().invoke(workbench, ["ask", "x", "--mode", "breaks"])
    kinds = [json.loads(line)["event"] for line in as_json.stdout.splitlines()]
    assert kinds == ["routed", "token", "notice", "failed"]
    assert plain.stdout.strip() == "Half" and "Something to know." in plain.stderr


@pytest.mark.parametrize(("text", "told"), [(" ", "empty"), ("假" * 500_001, "500,000")])
def test_a_question_of_no_sensible_length_is_refused_at_once(
    text: str, told: str, settings: Settings
) -> None:
    [failed] = answer(text, [], settings)
    assert isinstance(failed, Failed) and told in failed.problem and failed.fix


def test_beats_are_never_stored(settings: Settings) -> None:
    conversations = Conversations(settings.database)
    chat = conversations.create("x")
    message = conversations.add(chat, "assistant", "", state="streaming")
    stream = STREAMS.start(
        conversations, message, lambda: iter([Beat(), Token("a"), Beat(), Token("b")])
    )
    assert stream.ended.wait(10)
    assert conversations.message(message).events == [Token("ab")]


def test_the_data_agent_too_asks_ollama_about_its_model_once(
    settings: Settings, script: Script
) -> None:
    load_example(settings)
    script.pieces = ("SELECT account FROM ads_summary",)
    with recording_ollama(script) as url:
        chosen = load_settings(model="ollama:tiny", ollama_host=url)
        list(answer("List every account in full.", [], chosen, "data"))
    asked = [path for path in script.paths if path != "/api/chat"]
    assert script.paths.count("/api/chat") >= 1 and len(asked) <= 2, script.paths
