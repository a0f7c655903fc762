"""A multiple-choice row -> its question with the options, and the letter of the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from finetune.data.columns import QUESTIONS, Row, find_column, text_of
from finetune.data.examples import Message
from workbench.errors import InvalidInput
from workbench.messages import say

CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")  # letters, or the punctuation alone
LETTERS = "ABCDEFGHIJ"
# not `a`, `assistant` and the like, which would find option A
RIGHT = ("answer", "答案", "target")


@dataclass(frozen=True, slots=True)
class Choice:
    """A question, its options by their letters, and the letter of the right one."""

    question: str
    options: dict[str, str]
    letter: str

    @property
    def asked(self) -> str:
        """The question as it is put to a model."""
        return ask_choice(self.question, self.options)


def is_choice(row: Row) -> bool:
    """Whether the row is a question with two options or more."""
    return len(_options(row)) > 1 and bool(find_column(row, QUESTIONS))


def read_choice(row: Row) -> tuple[Message, ...]:
    """The question with its options, and the right letter. Raises InvalidInput."""
    choice = parse_choice(row)
    return Message("user", choice.asked), Message("assistant", choice.letter)


def parse_choice(row: Row) -> Choice:
    """The parts of a row of multiple choice. Raises InvalidInput."""
    options = _options(row)
    letter = _letter(row.get(find_column(row, RIGHT)), len(options))
    if not letter:
        raise InvalidInput(
            "empty answer", "Write the letter of the right option, or delete this row."
        )
    if letter not in options:
        raise InvalidInput(
            say("the answer {letter!r} is none of the options", letter=letter),
            say("Write one of {options}.", options=", ".join(options)),
        )
    return Choice(text_of(row[find_column(row, QUESTIONS)]), options, letter)


def ask_choice(question: str, options: dict[str, str]) -> str:
    """A multiple-choice question as lm-evaluation-harness asks it on C-Eval and CMMLU."""
    offered = [f"{letter}. {option}" for letter, option in options.items()]
    text = "\n".join([question.strip(), *offered])
    ending = "\n答案：" if CHINESE.search(text) else "\nAnswer:"
    return text + ending


def _options(row: Row) -> dict[str, str]:
    choices = row.get("choices")
    if isinstance(choices, list):
        return dict(zip(LETTERS, map(str, choices), strict=False))
    return {letter: text_of(row[letter]) for letter in LETTERS if letter in row}


def _letter(answer: Any, options: int) -> str:
    """The letter as it is, or that of a number from 0."""
    if isinstance(answer, int) and 0 <= answer < options:
        return LETTERS[answer]
    return text_of(answer).strip()
