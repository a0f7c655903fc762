"""The names that data sets give their columns -> question, answer, system prompt of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetune.data.examples import Message
from finetune.data.turns import read_turns
from workbench.errors import InvalidInput

Row = dict[str, Any]
QUESTIONS = (
    *("prompt", "question", "query", "instruction", "input", "user", "q"),
    *("问题", "提问", "问", "指令", "输入"),
)
ANSWERS = (
    *("completion", "answer", "response", "output", "reply", "assistant", "target", "a"),
    *("答案", "回答", "答", "回复", "输出"),
)
SYSTEMS = ("system", "system_prompt", "系统")
TURNS = ("messages", "conversations", "conversation", "dialog", "dialogue")


def find_column(row: Row, names: Sequence[str]) -> str:
    """The row's own name of the first of these columns, in any case; empty where it has none."""
    own = {str(key).strip().lower(): key for key in row}
    for name in names:
        if name in own:
            return own[name]
    return ""


def text_of(value: Any) -> str:
    """The cell as text; nothing is the empty text."""
    return "" if value is None else str(value)


def read_question(row: Row) -> tuple[Message, ...]:
    """The question of a row, as one text or as turns; an `instruction` has its `input` beneath."""
    column = find_column(row, QUESTIONS)
    question = row.get(column)
    if column == "instruction" and text_of(row.get("input")).strip():
        question = f"{question}\n{row['input']}"
    return _read_side("user", question)


def read_answer(row: Row) -> tuple[Message, ...]:
    """The answer of a row, as one text or as turns. Raises InvalidInput where no column has it."""
    column = find_column(row, ANSWERS)
    if not column:
        raise InvalidInput("no answer of the assistant", "Add the answer, or delete this row.")
    return read_said(row[column])


def read_said(answer: Any) -> tuple[Message, ...]:
    """What the assistant says: a text, one turn, or a list of turns."""
    if isinstance(answer, dict):
        return read_turns([answer])
    return _read_side("assistant", answer)


def with_system_prompt(row: Row, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages after the row's system prompt, unless they begin with one."""
    system = text_of(row.get(find_column(row, SYSTEMS)))
    if not system.strip() or (messages and messages[0].role == "system"):
        return tuple(messages)
    return (Message("system", system), *messages)


def group_of(row: Row) -> str:
    """The fact that the row teaches, where it names one."""
    return str(row.get("group") or "")


def _read_side(role: str, content: Any) -> tuple[Message, ...]:
    if isinstance(content, list):
        return read_turns(content)
    return read_turns([{"role": role, "content": content}])
