"""A sentence for a person whose words and values travel apart, so that another language can say it.

Code raises and stores English. A page looks up the template in its language and fills it in:

    say("There is no collection {name}.", name="papers")  ->  "There is no collection papers."
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any

NUMBER_FORMAT = re.compile(r"[,.]{0,2}\d?[dfg%]?")


class Message(str):
    """The English text, with the template and the values that made it. A value may be a message."""

    template: str
    values: Mapping[str, Any]

    def __new__(cls, text: str, template: str, values: Mapping[str, Any]) -> Message:
        message = super().__new__(cls, text)
        message.template = template
        message.values = values
        return message

    def __reduce__(self) -> tuple[Any, ...]:
        return Message, (str(self), self.template, dict(self.values))


def say(template: str, /, **values: Any) -> Message:
    """The template in the manner of `str.format`, filled in."""
    return Message(template.format(**values), template, values)


def listed(messages: Iterable[str], between: str = "; ") -> Message:
    """Several messages as one. Each is translated by itself."""
    values = {f"part{number}": message for number, message in enumerate(messages)}
    template = between.join(f"{{{name}}}" for name in values)
    return say(template, **values)


def translate(text: str, catalogue: Mapping[str, str]) -> str:
    """The text by the catalogue's templates; what the catalogue lacks stays English."""
    if not isinstance(text, Message):
        return catalogue.get(text, text)
    template = catalogue.get(text.template, text.template)
    values = {
        name: translate(value, catalogue) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    return template.format(**values)


def pack(value: Any) -> Any:
    """A message as plain JSON data; anything else as it is."""
    if isinstance(value, Message):
        values = {name: pack(part) for name, part in value.values.items()}
        return {"template": value.template, "values": values}
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, list | tuple):
        return [pack(item) for item in value]
    return str(value)


def unpack(data: Any) -> Any:
    """The inverse of `pack`."""
    if isinstance(data, list):
        return [unpack(item) for item in data]
    if isinstance(data, dict) and data.keys() == {"template", "values"}:
        values = {name: unpack(value) for name, value in data["values"].items()}
        return say(data["template"], **values)
    return data


def check_packed(data: Any) -> None:
    """Raise ValueError where packed data from elsewhere is a message with a hole left open.

    A hole is a plain name: `str.format` would also look into values, or make them gigabytes wide.
    """
    if isinstance(data, list):
        for item in data:
            check_packed(item)
    if not isinstance(data, dict):
        return
    if data.keys() != {"template", "values"} or not isinstance(data["values"], dict):
        raise ValueError("a message needs its template and values")
    for _, name, style, conversion in Formatter().parse(str(data["template"])):
        if name is None:
            continue
        plain_hole = name in data["values"] and not conversion
        if not plain_hole or not NUMBER_FORMAT.fullmatch(style or ""):
            raise ValueError("a message has a hole that its values do not fill")
    for value in data["values"].values():
        check_packed(value)


def with_messages(data: dict[str, Any]) -> dict[str, Any]:
    """The data of a JSON line; under "said" its messages once more, packed for translation."""
    said = {key: pack(value) for key, value in data.items() if _holds_message(value)}
    return data | {"said": said} if said else data


def read_messages(data: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `with_messages`."""
    fields = {key: value for key, value in data.items() if key != "said"}
    return fields | {key: unpack(value) for key, value in data.get("said", {}).items()}


def _holds_message(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(isinstance(item, Message) for item in value)
    return isinstance(value, Message)
