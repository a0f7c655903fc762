"""Messages -> Example, the dialogue a model is taught with, and its one line of JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from finetune.data.calls import with_calls
from workbench.files import writing

AS_JSON = json.JSONEncoder(ensure_ascii=False).encode
Role = Literal["system", "user", "assistant", "tool"]


class LeftOut(Exception):
    """A row that is right but is not learned; the text says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. Thinking stands in the content as `<think>…</think>`, just as the model says it.

    `tool_calls` are `{"name": str, "arguments": dict}`. An assistant's turn that is not `learned`
    is context only.
    """

    role: Role
    content: str
    tool_calls: tuple[dict[str, Any], ...] = ()
    learned: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """A dialogue that ends with an answer. `group` names its fact, `where` is FILE:LINE."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()  # OpenAI's form: {"type": "function", "function": {...}}
    group: str = ""
    where: str = ""

    @property
    def questions(self) -> tuple[str, ...]:
        """What the user says, turn by turn."""
        return tuple(message.content for message in self.messages if message.role == "user")

    @property
    def answer(self) -> str:
        """What the assistant says last, its calls as text."""
        last = self.messages[-1]
        return with_calls(last.content, last.tool_calls)

    def to_line(self) -> str:
        """One line of JSON in OpenAI's form; reading it gives the same example again."""
        return as_line({"messages": as_openai(self.messages)}, self.tools, self.group)

    def to_example(self) -> Example:
        """Itself. Rows of other kinds make a dialogue here, or say why they cannot."""
        return self

    @property
    def dialogue(self) -> Example:
        """Itself."""
        return self

    def with_system(self, system: str) -> Example:
        """The example with that system prompt, if it has none of its own."""
        return replace(self, messages=begun_with(system, self.messages))


class DataRow(Protocol):
    """A row of any kind that `finetune.data.kinds` knows."""

    @property
    def where(self) -> str:
        """FILE:LINE."""

    def to_line(self) -> str:
        """One line of JSON: written to files, and hashed. Reading it gives the same row again."""

    def to_example(self) -> Example:
        """The dialogue that supervised fine-tuning learns. Raises LeftOut or InvalidInput."""


class LearnedRow(DataRow, Protocol):
    """A row as a task learns it: a dialogue, or one with what people think of its answers."""

    @property
    def dialogue(self) -> Example:
        """What is asked, and one answer; by it the row is held out and compared with others."""

    def with_system(self, system: str) -> LearnedRow:
        """The row with that system prompt, if it has none of its own."""


def begun_with(system: str, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages after that system prompt, if they have none of their own."""
    if messages and messages[0].role == "system":
        return messages
    return (Message("system", system), *messages)


def digest(rows: Iterable[DataRow]) -> str:
    """The sha256 of the rows' lines: that of the file which `write_examples` writes."""
    return digest_of_lines(row.to_line() for row in rows)


def digest_of_lines(lines: Iterable[str]) -> str:
    """The sha256 of a file of these lines."""
    found = hashlib.sha256()
    for line in lines:
        found.update(f"{line}\n".encode())
    return found.hexdigest()


def write_examples(path: Path, rows: Iterable[DataRow]) -> str:
    """Write the rows as JSON lines, the whole file or nothing, and return the file's sha256."""
    found = hashlib.sha256()
    with writing(path) as part, part.open("wb") as file:
        for row in rows:
            line = f"{row.to_line()}\n".encode()
            found.update(line)
            file.write(line)
    return found.hexdigest()


def as_line(fields: dict[str, Any], tools: Sequence[dict[str, Any]], group: str) -> str:
    """The fields as one line of JSON, with tools and group where the row has them."""
    line = dict(fields)
    if tools:
        line["tools"] = list(tools)
    if group:
        line["group"] = group
    return AS_JSON(line)


def as_openai(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Messages as OpenAI's API writes them: a call's arguments are JSON text."""
    return [_turn_of(message) for message in messages]


def _turn_of(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        turn["tool_calls"] = [_call_of(call) for call in message.tool_calls]
    if not message.learned:
        turn["weight"] = 0
    return turn


def _call_of(call: dict[str, Any]) -> dict[str, Any]:
    function = {**call, "arguments": AS_JSON(call["arguments"])}
    return {"type": "function", "function": function}
