"""The agents: one row each. To add one, write its folder and add its row.

Everything else (router, chat page, command line, side by side, example questions) goes through the
rows and knows no agent by its name. Code stands in a row as a place, `module:name`, and is imported
when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.contributions import load_place
from workbench.language import localized

if TYPE_CHECKING:
    from agents.evidence import Asset, Match
    from agents.question import Question
    from workbench.chat.events import Event
    from workbench.settings import Settings

AUTO = "auto"
SIDE_BY_SIDE = "side_by_side"
NOBODY = "none"  # the agent of what nothing here is about: its row is below


@dataclass(frozen=True)
class Agent:
    """One row. `mode` is the agent's name in commands, events and stored answers."""

    mode: str
    run: str
    """Place of the generator `(question: Question)` of the events of one answer."""

    command: str
    """What forces the agent at the beginning of a question, such as `/docs`."""

    english: str
    chinese: str
    icon: str

    busy: tuple[str, str]
    """English and Chinese: what the agent does before its first word."""

    description: str
    """For an assistant that may use the agent as a tool: what it answers from, in one sentence."""

    as_tool: bool = True
    """Whether an assistant may use the agent as a tool."""

    asset: str = ""
    """The setting that names what the agent answers from, such as `collection`."""

    model: str = "model"
    """The setting that names the model that speaks."""

    evidence: str = ""
    """Place of `(settings) -> Asset | None`. Without it only a person's choice leads here."""

    takes_apart: str = ""
    """Place of `(question, weigh) -> str`, why Auto should let this agent ask several others; empty
    where one can answer. `weigh` names the agent that knows a part of the question, or ""."""

    attached: str = ""
    """Place of `(question) -> Match | None`: what the files that came with the question hold."""

    examples: str = ""
    """Place of `(settings) -> Iterable[str]`, questions that the agent can answer now."""

    holdings: str = ""
    """Place of `(settings, language) -> str` that names all that it can be asked about now, such as
    "the collection “handbook”"; empty for nothing."""

    warm_up: str = ""
    """Place of `(settings) -> None`, which loads what the first answer would wait for."""

    choice: str = ""
    """Place of `(settings, asked: bool) -> None`, which draws the choice of the asset.

    `asked` says whether the mode of the chat asks this agent by name.
    """

    offer: str = ""
    """Place of `(settings) -> bool`, which draws a button that makes a first asset.

    It draws nothing where an asset exists, and returns whether the button was pressed.
    """

    @property
    def from_memory(self) -> bool:
        """Whether the agent answers from its model alone."""
        return self.asset == self.model

    def label(self, language: str) -> str:
        """The name that a person reads, in `en` or `zh`."""
        return localized(language, self.english, self.chinese)

    def answer(self, question: Question) -> Generator[Event, None, None]:
        """The events of one answer, Done or Failed last. Raises WorkbenchError."""
        return load_place(self.run)(question)

    def find_asset(self, settings: Settings) -> Asset | None:
        """What the agent can answer from now, or None."""
        return self._call(self.evidence, settings)

    def find_in_files(self, question: Question) -> Match | None:
        """What the files that came with the question hold of it; None where it reads no files."""
        return self._call(self.attached, question)

    def reason_to_take_apart(self, question: Question, weigh: Callable[[str], str]) -> str:
        """Why this agent should ask several others; empty where one agent can answer."""
        return self._call(self.takes_apart, question, weigh) or ""

    def example_questions(self, settings: Settings) -> Iterable[str]:
        """Questions that the agent can answer now, the best ones first."""
        return self._call(self.examples, settings) or ()

    def name_holdings(self, settings: Settings, language: str) -> str:
        """What the agent can be asked about now, by its names; empty for nothing."""
        return self._call(self.holdings, settings, language) or ""

    def warm(self, settings: Settings) -> None:
        """Load what the first answer would wait for. Raises WorkbenchError where nothing exists."""
        self._call(self.warm_up, settings)

    def draw_choice(self, settings: Settings, asked: bool) -> None:
        """Draw the choice of the asset."""
        self._call(self.choice, settings, asked)

    def draw_offer(self, settings: Settings) -> bool:
        """Draw the offer of a first asset; whether it was taken."""
        return bool(self._call(self.offer, settings))

    @staticmethod
    def _call(place: str, *arguments: Any) -> Any:
        return load_place(place)(*arguments) if place else None


_ROWS = [
    Agent(
        mode="documents",
        run="agents.documents.agent:answer_from_documents",
        command="/docs",
        english="Documents",
        chinese="文档",
        icon=":material/description:",
        busy=("Searching…", "正在检索…"),
        description="Answers from passages of the person's documents and cites each of them.",
        asset="collection",
        evidence="agents.documents.evidence:find_documents",
        attached="agents.documents.attached:find_in_files",
        examples="agents.documents.examples:questions_about_documents",
        holdings="agents.documents.examples:name_collections",
        warm_up="agents.documents.agent:get_ready",
        choice="agents.documents.ui.choice:choose_collection",
    ),
    Agent(
        mode="data",
        run="agents.data.expert:answer_from_data",
        command="/data",
        english="Data",
        chinese="数据",
        icon=":material/database:",
        busy=("Asking the database…", "正在查询数据库…"),
        description="Counts, sums and compares the rows of a database with one read-only query.",
        asset="source",
        evidence="agents.data.evidence:find_tables",
        examples="agents.data.examples:questions_about_data",
        holdings="agents.data.examples:name_sources",
        choice="agents.data.ui.choice:choose_source",
    ),
    Agent(
        mode="tuned",
        run="agents.tuned.agent:answer_from_tuned",
        command="/tuned",
        english="Tuned",
        chinese="微调模型",
        icon=":material/model_training:",
        busy=("The model is at work…", "模型正在思考…"),
        description="Answers from memory what a fine-tuned model was trained on.",
        asset="tuned",
        model="tuned",
        evidence="agents.tuned.evidence:find_trained",
        examples="agents.tuned.examples:questions_of_training",
        holdings="agents.tuned.examples:name_runs",
        warm_up="agents.tuned.agent:load_tuned",
        choice="agents.tuned.ui.choice:choose_tuned",
        offer="agents.tuned.ui.offer:offer_tuned_model",
    ),
    Agent(
        mode="forecast",
        run="agents.forecast.agent:answer_from_series",
        command="/forecast",
        english="Forecast",
        chinese="预测",
        icon=":material/trending_up:",
        busy=("Forecasting…", "正在预测…"),
        description="Forecasts a series of numbers of a database, with a band and its past error.",
        asset="source",
        evidence="agents.forecast.evidence:find_series",
        examples="agents.forecast.examples:questions_about_future",
    ),
    Agent(
        mode="assistant",
        run="agents.assistant.agent:answer_by_steps",
        command="/assistant",
        english="Step by step",
        chinese="分步回答",
        icon=":material/checklist:",
        busy=("Thinking of the next step…", "正在考虑下一步…"),
        description="Takes a question apart and asks the other agents step by step.",
        as_tool=False,
        takes_apart="agents.assistant.parts:reason_to_take_apart",
        choice="agents.assistant.ui.tools:choose_tools",
    ),
    Agent(
        mode=NOBODY,
        run="agents.none.agent:answer_from_nowhere",
        command="/chat",
        english="Chat",
        chinese="直接对话",
        icon=":material/chat_bubble:",
        busy=("Thinking…", "正在思考…"),
        description="Talks from the chat model's own knowledge, without any source.",
        as_tool=False,
    ),
]

AGENTS: dict[str, Agent] = {agent.mode: agent for agent in _ROWS}


@contextmanager
def registered(agent: Agent) -> Iterator[None]:
    """One more row inside the context, for a test or a trial."""
    AGENTS[agent.mode] = agent
    try:
        yield
    finally:
        del AGENTS[agent.mode]


def default_agent() -> Agent:
    """The agent that answers where nothing speaks for any: the first row."""
    return next(iter(AGENTS.values()))


def modes_on_offer(language: str) -> dict[str, str]:
    """Mode -> its label, in the order of the mode selector."""
    labels = {AUTO: localized(language, "Auto", "自动")}
    for mode, agent in AGENTS.items():
        labels[mode] = agent.label(language)
    labels[SIDE_BY_SIDE] = localized(language, "Side by side", "并排对比")
    return labels


def asset_settings() -> list[str]:
    """The settings that name what the agents answer from, each once."""
    named = [agent.asset for agent in AGENTS.values() if agent.asset]
    return list(dict.fromkeys(named))
