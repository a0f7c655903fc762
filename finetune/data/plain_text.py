"""A row {"text": …}, or a whole text file -> PlainText, as continued pre-training learns it."""

from __future__ import annotations

from dataclasses import dataclass

from finetune.data.columns import Row
from finetune.data.examples import AS_JSON, Example
from workbench.errors import InvalidInput
from workbench.messages import say


@dataclass(frozen=True, slots=True)
class PlainText:
    """One document."""

    text: str
    where: str = ""

    def to_line(self) -> str:
        """One line of JSON; reading it gives the same text again."""
        return AS_JSON({"text": self.text})

    def to_example(self) -> Example:
        """Raises InvalidInput: a text asks nothing and answers nothing."""
        raise InvalidInput(
            "plain text without question and answer", "Use it for continued pre-training instead."
        )


def is_plain_text(row: Row) -> bool:
    return "text" in row


def read_plain_text(row: Row, where: str) -> PlainText:
    """The text of a row. Raises InvalidInput where it is empty, or no text."""
    text = row["text"]
    if not isinstance(text, str):
        raise InvalidInput(
            say("`text` is no text but {name}", name=type(text).__name__),
            "Write the text as a string.",
        )
    if not text.strip():
        raise InvalidInput("the text is empty", "Write the text, or delete this row.")
    return PlainText(text, where)
