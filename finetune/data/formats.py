"""A dialogue in any known shape -> Example. The row's content shows the shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from finetune.data.calls import read_tools
from finetune.data.choices import is_choice, read_choice
from finetune.data.columns import (
    ANSWERS,
    QUESTIONS,
    TURNS,
    Row,
    find_column,
    group_of,
    read_answer,
    read_question,
    text_of,
    with_system_prompt,
)
from finetune.data.examples import Example, LeftOut, Message
from finetune.data.order import check_order
from finetune.data.toolalpaca import NoGoldenAnswer, is_toolalpaca, read_toolalpaca
from finetune.data.turns import read_turns
from workbench.errors import InvalidInput


class Format(NamedTuple):
    """A shape of dialogues: how it is known, and what is made of it."""

    fits: Callable[[Row], bool]
    read: Callable[[Row], Sequence[Message]]


def shape_of(row: Row) -> str:
    """The name of the dialogue's shape; empty where the row is no dialogue."""
    for name, shape in FORMATS.items():
        if shape.fits(row):
            return name
    return ""


def read_dialogue(row: Row, where: str, shape: str) -> Example:
    """The example of a row of this shape. Raises InvalidInput, or LeftOut without an answer."""
    messages = tuple(FORMATS[shape].read(row))
    check_order(messages)
    return Example(messages, read_tools(row.get("tools")), group_of(row), where)


def read_conversation(row: Row) -> tuple[Message, ...]:
    """The turns of a row that holds them as a list, under any of the known names."""
    return with_system_prompt(row, read_turns(row[find_column(row, TURNS)]))


def read_pair(row: Row) -> tuple[Message, ...]:
    """A question and its answer, each a text or turns."""
    return with_system_prompt(row, (*read_question(row), *read_answer(row)))


def _read_golden(row: Row) -> list[Message]:
    try:
        return read_toolalpaca(row)
    except NoGoldenAnswer as error:
        raise LeftOut(
            "no golden answer: this row tests a model and has no call to learn"
        ) from error


def _read_alpaca(row: Row) -> tuple[Message, ...]:
    """Instruction with its input beneath; earlier question-answer pairs may stand in `history`."""
    before: list[Message] = []
    for question, answer in _pairs(row.get("history")):
        before += [Message("user", text_of(question)), Message("assistant", text_of(answer))]
    parts = [text_of(row["instruction"]), text_of(row.get("input"))]
    asked = "\n".join(part for part in parts if part.strip())
    answer = text_of(row[find_column(row, ANSWERS)])
    turns = [*before, Message("user", asked), Message("assistant", answer)]
    return with_system_prompt(row, turns)


def _pairs(history: Any) -> list[Any]:
    pairs = history or []
    if isinstance(pairs, list) and all(_is_pair(pair) for pair in pairs):
        return pairs
    raise InvalidInput("`history` holds no question-answer pairs", "Write [[question, answer], …].")


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list | tuple) and len(pair) == 2


def _read_columns(row: Row) -> list[Message]:
    question, answer = row.values()
    return [Message("user", text_of(question)), Message("assistant", text_of(answer))]


def _is_two_texts(row: Row) -> bool:
    return len(row) == 2 and all(isinstance(cell, str) for cell in row.values())


# The first that fits is taken, so the more special shapes stand first.
FORMATS = {
    "messages": Format(lambda row: "messages" in row, read_conversation),
    "conversations": Format(lambda row: bool(find_column(row, TURNS)), read_conversation),
    "ToolAlpaca": Format(is_toolalpaca, _read_golden),
    "multiple choice": Format(is_choice, read_choice),
    "Alpaca": Format(
        lambda row: "instruction" in row and bool(find_column(row, ANSWERS)), _read_alpaca
    ),
    "question and answer": Format(
        lambda row: bool(find_column(row, QUESTIONS) and find_column(row, ANSWERS)), read_pair
    ),
    "two columns": Format(_is_two_texts, _read_columns),
}
