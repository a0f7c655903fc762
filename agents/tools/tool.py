"""A tool: its name and form for a model, and how it runs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.chat.events import Event, Table
from workbench.messages import say

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


@dataclass(frozen=True)
class Outcome:
    """What a tool returned: `text` for the model, and the `table` that a calculator can read.

    `state` is `done`, or `failed` where the tool says in `text` what went wrong.
    """

    text: str
    table: Table | None = None
    state: str = "done"


# what earlier steps returned: their numbers, from 1, and their outcomes
Results = Mapping[int, Outcome]
Run = Callable[[dict[str, Any], Results], Generator[Event, None, Outcome]]


@dataclass(frozen=True)
class Tool:
    """One row. `parameters` is a JSON schema. A `pure` tool returns no text from elsewhere.

    `server` names the stranger's program that has the tool; `asks` says whether a person is asked
    before each call.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    run: Run
    pure: bool = False
    server: str = ""
    asks: bool = False
    remember: Callable[[], None] = field(default=lambda: None)
    """Called where the person allows the calls of this tool for always."""

    @property
    def as_openai(self) -> dict[str, Any]:
        """The form that chat models are given."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }
        return {"type": "function", "function": function}

    def problem_with(self, arguments: dict[str, Any]) -> str:
        """What is wrong with the arguments by the schema's first level; empty for nothing."""
        known = self.parameters.get("properties", {})
        for name in self.parameters.get("required", []):
            if name not in arguments:
                return say("The argument {name} is missing.", name=name)
        for name, value in arguments.items():
            if known and name not in known:
                return say("There is no argument {name}.", name=name)
            wanted = known.get(name, {}).get("type")
            types = TYPES.get(wanted, ()) if isinstance(wanted, str) else ()
            if types and not isinstance(value, types):
                return say("The argument {name} must be of type {kind}.", name=name, kind=wanted)
        return ""


def text_schema(name: str, description: str) -> dict[str, Any]:
    """The JSON schema of one text."""
    return {
        "type": "object",
        "properties": {name: {"type": "string", "description": description}},
        "required": [name],
    }
