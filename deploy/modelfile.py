"""Template, stops, system prompt and parameters <-> the text of a Modelfile, and the fields of
Ollama's create.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

QUOTED = re.compile(r'"""(.*?)"""', re.S)
FLOATS = ("temperature", "top_p", "min_p", "repeat_penalty")
INTEGERS = ("num_ctx", "num_predict", "top_k", "seed", "repeat_last_n", "num_keep")


@dataclass(frozen=True)
class Modelfile:
    """All of a published model but its weights."""

    template: str
    stops: tuple[str, ...] = ()
    system: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def text(self, weights: str = "./model.gguf", adapter: str = "") -> str:
        """As `ollama create -f` reads it."""
        lines = [f"FROM {weights}"]
        if adapter:
            lines.append(f"ADAPTER {adapter}")
        lines += ["", f"TEMPLATE {_quote(self.template)}", ""]
        if self.system:
            lines += [f"SYSTEM {_quote(self.system)}", ""]
        lines += [f"PARAMETER {name} {value}" for name, value in self.parameters.items()]
        lines += [f'PARAMETER stop "{stop}"' for stop in self.stops]
        return "\n".join(lines) + "\n"

    def fields(self) -> dict[str, Any]:
        """Arguments of Ollama's create."""
        parameters = dict(self.parameters)
        if self.stops:
            parameters["stop"] = list(self.stops)
        fields: dict[str, Any] = {"template": self.template, "parameters": parameters}
        if self.system:
            fields["system"] = self.system
        return fields


def read_modelfile(text: str) -> Modelfile:
    """A Modelfile that a person has edited.

    Raises InvalidInput with the line that cannot be used.
    """
    template = ""
    system = ""
    stops: list[str] = []
    parameters: dict[str, Any] = {}
    rest = text.lstrip()
    while rest:
        line, _, after = rest.partition("\n")
        command, _, value = line.strip().partition(" ")
        command = command.upper()
        if command in ("TEMPLATE", "SYSTEM"):
            value, after = _take_text(rest[len(command) :])
        rest = after.lstrip()
        if command == "TEMPLATE":
            template = value
        elif command == "SYSTEM":
            system = value
        elif command == "PARAMETER":
            name, _, value = value.strip().partition(" ")
            value = value.strip().strip('"')
            if name == "stop":
                stops.append(value)
            else:
                parameters[name] = _number(name, value)
        elif command not in ("FROM", "ADAPTER") and not command.startswith("#"):
            raise InvalidInput(
                say("The Modelfile's line {line!r} cannot be used here.", line=line.strip()[:60]),
                "Use FROM, TEMPLATE, SYSTEM and PARAMETER only.",
            )
    if not template:
        raise InvalidInput(
            "The Modelfile has no TEMPLATE.",
            "Without one the model gets the bare text and rambles.",
        )
    return Modelfile(template, tuple(stops), system, parameters)


def _quote(text: str) -> str:
    return f'"""{text}"""'


def _take_text(rest: str) -> tuple[str, str]:
    """(the text, what follows it): between triple quotes, or the rest of the line."""
    rest = rest.lstrip(" ")
    if found := QUOTED.match(rest):
        return found.group(1), rest[found.end() :]
    line, _, after = rest.partition("\n")
    return line.strip().strip('"'), after


def _number(name: str, value: str) -> Any:
    try:
        if name in FLOATS:
            return float(value)
        if name in INTEGERS:
            return int(value)
    except ValueError as error:
        raise InvalidInput(
            say("PARAMETER {name} cannot be {value!r}.", name=name, value=value),
            "Give it a number.",
        ) from error
    return value
