"""The rows of `AGENTS` as tools: each expert that has something to answer from now."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from agents.question import Question
from agents.registry import AGENTS, Agent
from agents.tools.tool import Outcome, Results, Tool, text_schema
from workbench.chat.events import (
    Beat,
    Calling,
    Declined,
    Event,
    Failed,
    Step,
    Table,
    Thought,
    Token,
)
from workbench.messages import listed
from workbench.models.chosen import ChosenModel
from workbench.settings import Settings

NO_ANSWER = "There is no answer from this tool."
QUESTION = "One whole question in the words of the person, without pronouns."


def expert_tools(
    settings: Settings, language: str, model: ChosenModel | None, files: Sequence[str] = ()
) -> list[Tool]:
    """A tool for each agent that may be one and has an asset; `model` speaks for all of them.

    `files` are the sources that came with the person's question.
    """
    tools = []
    for agent in AGENTS.values():
        if not agent.as_tool:
            continue
        held = agent.name_holdings(settings, language)
        reads_files = bool(files and agent.attached)
        if held or reads_files or _names_no_holdings(agent, settings):
            tools.append(_expert(agent, held, settings, model, files))
    return tools


def _names_no_holdings(agent: Agent, settings: Settings) -> bool:
    """Whether an agent that never names its holdings has any, as far as it can tell."""
    if agent.holdings:
        return False
    return not agent.evidence or agent.find_asset(settings) is not None


def _expert(
    agent: Agent,
    held: str,
    settings: Settings,
    model: ChosenModel | None,
    files: Sequence[str],
) -> Tool:
    def run(arguments: dict[str, Any], results: Results) -> Generator[Event, None, Outcome]:
        question = Question(str(arguments["question"]), [], settings, files=files)
        question.model = model  # resolved once an answer
        return (yield from ask_expert(agent, question))

    description = f"{agent.description} Holds: {held}." if held else agent.description
    return Tool(agent.mode, description, text_schema("question", QUESTION), run)


def ask_expert(agent: Agent, question: Question) -> Generator[Event, None, Outcome]:
    """The events of the agent's answer; returns its text and last table.

    Raises WorkbenchError where the agent does. An agent without an answer fails with its reason.
    """
    said = ""
    table: Table | None = None
    failed = ""
    with closing(agent.answer(question)) as events:
        for event in events:
            if isinstance(event, Declined):
                failed = event.text
                event = Token(event.text)
            elif isinstance(event, Failed):
                failed = listed([event.problem, event.fix], " ")
            elif isinstance(event, Token):
                said += event.text
            elif isinstance(event, Table):
                table = event
            yield event
    if failed:
        return Outcome(failed, None, "failed")
    return Outcome(said.strip() or NO_ANSWER, table)


def is_shown(event: Event) -> bool:
    """Whether a step keeps the event: no beats, and no steps inside of a step."""
    if isinstance(event, Thought):
        return bool(event.text)
    return not isinstance(event, Beat | Calling | Step)
