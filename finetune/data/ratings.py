"""A row of KTO data -> RatedAnswer: a prompt, an answer, and whether people found it good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from finetune.data.calls import read_tools
from finetune.data.columns import TURNS, Row, find_column, group_of
from finetune.data.examples import Example, LeftOut, Message, as_line, as_openai, begun_with
from finetune.data.formats import read_conversation, read_pair
from finetune.data.order import check_order


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """An answer that was rated; `good` is the row's `label`."""

    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    good: bool
    tools: tuple[dict[str, Any], ...] = ()
    group: str = ""
    where: str = ""

    def to_line(self) -> str:
        """One line of JSON in TRL's conversational form; reading it gives the same row again."""
        fields = {
            "prompt": as_openai(self.prompt),
            "completion": as_openai(self.completion),
            "label": self.good,
        }
        return as_line(fields, self.tools, self.group)

    def to_example(self) -> Example:
        """The dialogue, if its answer is good. Raises LeftOut."""
        if not self.good:
            raise LeftOut("rated as a bad answer (label false)")
        return self.dialogue

    @property
    def dialogue(self) -> Example:
        """The dialogue, good or bad."""
        return Example((*self.prompt, *self.completion), self.tools, self.group, self.where)

    def with_system(self, system: str) -> RatedAnswer:
        """The answer with that system prompt, if its dialogue has none of its own."""
        return replace(self, prompt=begun_with(system, self.prompt))


def is_rated(row: Row) -> bool:
    return isinstance(row.get("label"), bool)


def read_rated(row: Row, where: str) -> RatedAnswer:
    """The rated answer of a row, whose last turns are the assistant's. Raises InvalidInput."""
    messages = read_conversation(row) if find_column(row, TURNS) else read_pair(row)
    check_order(messages)
    begin = _answer_begins(messages)
    return RatedAnswer(
        prompt=messages[:begin],
        completion=messages[begin:],
        good=row["label"],
        tools=read_tools(row.get("tools")),
        group=group_of(row),
        where=where,
    )


def _answer_begins(messages: tuple[Message, ...]) -> int:
    """The place after the last question: what follows, calls and results too, is what was rated."""
    questions = [place for place, message in enumerate(messages) if message.role == "user"]
    return questions[-1] + 1
