"""Template, stops, system prompt and parameters <-> the text of a Modelfile, and the fields of
Ollama's create.

No text may end where another command could begin: neither in the text that is written here nor in
the one that `ollama show --modelfile` makes of the fields. What could is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

# as Ollama's parser reads: a text that begins with quotes ends with the same, at the end of a line
QUOTED = (
    re.compile(r'"""(.*?)"""[ \t]*(?:\n|\Z)', re.S),
    re.compile(r'"(?!"")(.*?)"[ \t]*(?:\n|\Z)', re.S),
)
FLOATS = ("temperature", "top_p", "min_p", "repeat_penalty")
INTEGERS = ("num_ctx", "num_predict", "top_k", "seed", "repeat_last_n", "num_keep")
PARAMETER = re.compile(r"[a-z][a-z0-9_]*")
PLACE = re.compile(r"[^\s\"'#][^\s\"']*")  # of weights, or a model's name


@dataclass(frozen=True)
class Modelfile:
    """All of a published model but its weights. Raises InvalidInput for what could not be kept."""

    template: str
    stops: tuple[str, ...] = ()
    system: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_text("TEMPLATE", self.template)
        _check_text("SYSTEM", self.system)
        for stop in self.stops:
            _check_text("PARAMETER stop", stop)
        for name, value in self.parameters.items():
            _check_parameter(name, value)

    def text(self, weights: str = "./model.gguf", adapter: str = "") -> str:
        """As `ollama create -f` reads it."""
        lines = [f"FROM {_place(weights)}"]
        if adapter:
            lines.append(f"ADAPTER {_place(adapter)}")
        lines += ["", f"TEMPLATE {_quote(self.template)}", ""]
        if self.system:
            lines += [f"SYSTEM {_quote(self.system)}", ""]
        lines += [f"PARAMETER {name} {value}" for name, value in self.parameters.items()]
        for stop in self.stops:
            simple = '"' not in stop and "\n" not in stop
            lines.append(f'PARAMETER stop "{stop}"' if simple else f"PARAMETER stop {_quote(stop)}")
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


def _check_text(what: str, text: str) -> None:
    """Raises InvalidInput where the text could end within itself."""
    if '"""' in text:
        raise InvalidInput(
            say("The {what} of the Modelfile holds three quotation marks in a row.", what=what),
            "They would end the text, and what follows would be read as commands. Write it "
            "without them.",
        )
    if text.startswith('"') and "\n" not in text:
        raise InvalidInput(
            say("The {what} of the Modelfile begins with a quotation mark.", what=what),
            "Ollama writes such a line so that it does not end. Begin it with another character.",
        )
    if "\r" in text or "\0" in text:
        raise InvalidInput(
            say("The {what} of the Modelfile holds a carriage return or a zero byte.", what=what),
            "Ollama would begin a new command there. Use plain line breaks.",
        )


def _check_parameter(name: str, value: Any) -> None:
    usable = isinstance(value, bool | int | float) or (
        isinstance(value, str) and value.isprintable() and not value.startswith('"')
    )
    if not PARAMETER.fullmatch(name) or not usable:
        raise InvalidInput(
            say("PARAMETER {name} cannot be {value!r}.", name=name, value=str(value)[:60]),
            "Give it a number or a word on one line; its name has small letters only.",
        )


def _place(place: str) -> str:
    if not PLACE.fullmatch(place):
        raise InvalidInput(
            say("{place!r} cannot stand in a Modelfile.", place=place[:60]),
            "Use a path or a model's name without spaces, quotation marks and line breaks.",
        )
    return place


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
        command, value = _take_word(rest)
        command = command.upper()
        name = ""
        if command == "PARAMETER":
            name, value = _take_word(value)
        if command in ("TEMPLATE", "SYSTEM", "PARAMETER"):
            value, after = _take_text(value)
        rest = after.lstrip()
        if command == "TEMPLATE":
            template = value
        elif command == "SYSTEM":
            system = value
        elif command == "PARAMETER":
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


def _take_word(rest: str) -> tuple[str, str]:
    """(the word that `rest` begins with, what follows it)."""
    word = rest.split(maxsplit=1)[0] if rest.strip() else ""
    return word, rest.lstrip()[len(word) :].lstrip(" \t")


def _take_text(rest: str) -> tuple[str, str]:
    """(the text, what follows it): between quotation marks, or the rest of the line.

    Raises InvalidInput where the quotation marks do not end.
    """
    rest = rest.lstrip(" \t")
    for quoted in QUOTED:
        if found := quoted.match(rest):
            return found.group(1), rest[found.end() :]
    line, _, after = rest.partition("\n")
    if line.startswith('"'):
        raise InvalidInput(
            say("The text {line!r} of the Modelfile does not end.", line=line.strip()[:60]),
            "Close it with the quotation marks it begins with, at the end of a line.",
        )
    return line.strip(), after


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
