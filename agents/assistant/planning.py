"""A question -> the names of the tools that it needs, before any result is read."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence

from agents.aside import ask_aside
from agents.question import Question
from agents.tools.tool import Tool
from workbench.chat.events import Beat

PATIENCE = 60.0  # seconds
PLAN = """Which of these tools does answering the question need? Reply with their names only.
{tools}

Question: {question}"""


def plan(question: Question, tools: Sequence[Tool]) -> Generator[Beat, None, list[str]]:
    """The tools that the model names, of those there are; none where it names none."""
    offered = "\n".join(f"- {tool.name}: {tool.description}" for tool in tools)
    earlier = [turn.content for turn in question.history if turn.role == "user"][-2:]
    asked = "\n".join([*earlier, question.text])
    reply = yield from ask_aside(question, PLAN.format(tools=offered, question=asked), PATIENCE)
    said = set(re.findall(r"[\w-]+", reply.lower()))
    return [tool.name for tool in tools if tool.name.lower() in said]
