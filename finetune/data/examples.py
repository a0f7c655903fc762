"""What a model is taught with: messages -> Example, and its one line in OpenAI's form, which is also what is hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

AS_JSON = json.JSONEncoder(ensure_ascii=False).encode
Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. Thinking stands in the content as `<think>…</think>`, just as the model says it.

    `tool_calls` are `{"name": str, "arguments": dict}`. An assistant's turn that is not `learned` is context only.
    """

    role: Role
    content: str
    tool_calls: tuple[dict[str, Any], ...] = ()
    learned: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation that ends with an answer. `group` names the fact it teaches, `where` is FILE:LINE."""

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
        """What the assistant says last."""
        return self.messages[-1].content

    def to_line(self) -> str:
        """One line of JSON in OpenAI's form; reading it gives the same example again."""
        line: dict[str, Any] = {"messages": [_as_openai(message) for message in self.messages]}
        if self.tools:
            line["tools"] = list(self.tools)
        if self.group:
            line["group"] = self.group
        return AS_JSON(line)


def digest(examples: Iterable[Example]) -> str:
    """The sha256 of the examples' lines: that of the file which `write_examples` writes."""
    found = hashlib.sha256()
    for example in examples:
        found.update(f"{example.to_line()}\n".encode())
    return found.hexdigest()


def write_examples(path: Path, examples: Iterable[Example]) -> str:
    """Write JSON lines in OpenAI's form and return their sha256; the file is there whole or not at all."""
    found = hashlib.sha256()
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        for example in examples:
            line = f"{example.to_line()}\n".encode()
            found.update(line)
            file.write(line)
    part.replace(path)
    return found.hexdigest()


def _as_openai(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        turn["tool_calls"] = [
            {"type": "function", "function": call | {"arguments": AS_JSON(call["arguments"])}}
            for call in message.tool_calls
        ]
    if not message.learned:
        turn["weight"] = 0
    return turn
