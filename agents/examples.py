"""A workspace -> questions to begin with, about what its agents really have to answer from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from agents.registry import AGENTS, Agent
from workbench.language import language_of, localized
from workbench.settings import Settings

NAMED = 4  # names in one list


class Example(NamedTuple):
    """A question, and the mode of the agent that has its answer."""

    mode: str
    question: str


def example_questions(settings: Settings, language: str, count: int = 3) -> list[Example]:
    """One of each agent that has any, then the second of each and so on, at most `count`."""
    of_each = [_examples_of(agent, settings, language) for agent in AGENTS.values()]
    found = []
    for in_turn in zip_longest(*of_each):
        found += [example for example in in_turn if example is not None]
    return found[:count]


def quoted(names: Sequence[str], language: str) -> str:
    """The names in quotation marks, as a list: the first ones, where there are many."""
    marked = [f"“{name}”" for name in names[:NAMED]]
    if len(names) > NAMED:
        marked.append("…")
    return localized(language, ", ".join(marked), "、".join(marked))


def _examples_of(agent: Agent, settings: Settings, language: str) -> list[Example]:
    """Those in the reader's language first."""
    questions = agent.example_questions(settings)
    in_order = sorted(questions, key=lambda question: language_of(question) != language)
    return [Example(agent.mode, question) for question in in_order]
