"""An agent is one row: a toy agent added to the registry is found wherever agents are found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from opened_pages import drawn, page, texts
from streamlit.testing.v1 import AppTest

from agents.answer import answer
from agents.asking import ask
from agents.beside import Beside, arm_label, arms_on_offer
from agents.evidence import Match, Weights, share
from agents.examples import Example, example_questions
from agents.question import Question
from agents.registry import (
    AGENTS,
    SIDE_BY_SIDE,
    Agent,
    modes_on_offer,
    registered,
)
from agents.router import forced, route
from workbench.chat.conversations import Conversations
from workbench.chat.events import Done, Event, Failed, Routed, Token
from workbench.chat.streams import STREAMS
from workbench.cli import workbench
from workbench.language import words
from workbench.settings import Settings

__all__ = ["page"]

TIDES = "High tide at the quay is at six."
HERE = "test_agent_row"


def answer_toy(question: Question) -> Iterator[Event]:
    yield Token(f"Toy: {question.text} ({question.found})")
    yield Done("none", 0.0)
    yield Token("Nobody reads this.")


class ToyAsset:
    """One text."""

    size = 1
    state = "the tides"

    def samples(self) -> list[str]:
        return [TIDES]

    def held(self, word: str) -> int:
        return int(word in words(TIDES))

    def knows(self, question: str) -> bool:
        return False

    def best(self, question: str, weights: Weights) -> Match:
        return Match(share(set(words(TIDES)), weights), "the toy knows the tides", "six o'clock")


def find_toy(settings: Settings) -> ToyAsset:
    return ToyAsset()


def toy_questions(settings: Settings) -> list[str]:
    return ["When is high tide?", "何时涨潮？"]


TOY = Agent(
    mode="toy",
    run=f"{HERE}:answer_toy",
    command="/toy",
    english="Toy",
    chinese="玩具",
    icon=":material/toys:",
    busy=("Playing…", "正在玩…"),
    description="Knows the tides.",
    evidence=f"{HERE}:find_toy",
    examples=f"{HERE}:toy_questions",
)


@pytest.fixture
def toy() -> Iterator[None]:
    with registered(TOY):
        yield


def test_a_row_is_there_only_while_it_is_registered() -> None:
    before = list(AGENTS)
    with registered(TOY):
        assert list(AGENTS) == [*before, "toy"]
    assert list(AGENTS) == before


def test_every_row_is_whole_and_its_places_exist() -> None:
    checked = 0
    for mode, agent in AGENTS.items():
        assert agent.mode == mode and agent.command.startswith("/") and agent.description
        for place in (
            agent.run,
            agent.evidence,
            agent.examples,
            agent.holdings,
            agent.warm_up,
            agent.choice,
        ):
            module, _, name = place.partition(":")
            path = Path(__file__).parents[1] / (module.replace(".", "/") + ".py")
            assert not place or f"def {name}(" in path.read_text("utf-8"), place
            checked += bool(place)
    assert checked > 10


@pytest.mark.usefixtures("toy")
def test_its_evidence_routes_a_question_to_it(settings: Settings) -> None:
    events = list(answer("When is high tide at the quay?", [], settings))
    assert isinstance(events[0], Routed)
    assert (events[0].mode, events[0].reason) == ("toy", "the toy knows the tides")
    assert events[1] == Token("Toy: When is high tide at the quay? (six o'clock)")
    assert isinstance(events[-1], Done), "nothing follows the end of an answer"


@pytest.mark.usefixtures("toy")
def test_its_command_forces_it(settings: Settings) -> None:
    assert forced("/toy how?", "auto") == ("how?", "toy")
    assert route(Question("how?", [], settings), "toy").mode == "toy"


@pytest.mark.usefixtures("toy")
def test_the_mode_selector_offers_it_in_both_languages() -> None:
    assert modes_on_offer("en")["toy"] == "Toy"
    assert modes_on_offer("zh")["toy"] == "玩具"
    assert list(modes_on_offer("en")) == ["auto", *AGENTS, SIDE_BY_SIDE]


@pytest.mark.usefixtures("toy")
def test_its_questions_are_among_the_first(settings: Settings) -> None:
    assert example_questions(settings, "en") == [
        Example("toy", "When is high tide?"),
        Example("toy", "何时涨潮？"),
    ]


@pytest.mark.usefixtures("toy")
def test_the_command_line_asks_it_and_names_it(settings: Settings) -> None:
    shown = CliRunner().invoke(workbench, ["ask", "how?", "--mode", "toy", "--json"])
    assert shown.exit_code == 0, shown.output
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["routed", "token", "done"]
    assert "toy" in CliRunner().invoke(workbench, ["ask", "--help"]).output


@pytest.mark.usefixtures("toy")
def test_it_answers_side_by_side(settings: Settings) -> None:
    assert "toy" in arms_on_offer([]) and arm_label("toy", "zh") == "玩具"
    conversations = Conversations(settings.database)
    beside = Beside(("toy", "tuned"))
    chat = ask("how?", SIDE_BY_SIDE, settings, conversations, beside=beside)
    for message in conversations.messages(chat)[1:]:
        stream = STREAMS.get(conversations, message.id)
        assert stream is None or stream.ended.wait(60)
    answers = {message.mode: message for message in conversations.messages(chat)[1:]}
    assert list(answers) == ["toy", "tuned"]
    assert answers["toy"].content == "Toy: how? (None)"
    assert isinstance(answers["tuned"].events[-1], Failed), "there is no tuned model"


@pytest.mark.usefixtures("toy")
def test_the_chat_page_offers_it(settings: Settings, page: Callable[..., AppTest]) -> None:
    app = page("agents/ui/chat.py")
    assert "When is high tide?" in [button.label for button in app.button]
    drawn(app.menu_button(key="choose-mode").set_value("toy").run())
    assert app.session_state["mode"] == "toy"
    assert "Traceback" not in texts(app)
