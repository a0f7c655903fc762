"""What a local model writes -> its text and its calls of tools, in the form its template has.

Two forms: Hermes and Qwen write `<tool_call>{"name", "arguments"}</tool_call>` anywhere; Llama 3
writes nothing but `{"name", "parameters"}`, several with `;` between them. A call counts only where
its JSON is whole: one that was cut off is an error, never a call with half of its arguments.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from workbench.models.rendering import render_template

Form = Literal["hermes", "llama"]
LLAMA = '"parameters": dictionary'  # how its template describes a call
OPEN, CLOSE = "<tool_call>", "</tool_call>"
BROKEN = "not JSON: "  # before broken arguments: LangChain would complete the JSON by itself
PROBE = "workbench_probe"
PROBE_TOOL = {
    "type": "function",
    "function": {
        "name": PROBE,
        "description": "A probe.",
        "parameters": {"type": "object", "properties": {}},
    },
}


@dataclass(frozen=True)
class WrittenCall:
    """A call as the model wrote it. `arguments` is JSON text, or `BROKEN` and what stands there."""

    name: str
    arguments: str

    @classmethod
    def broken(cls, text: str) -> WrittenCall:
        """A call that was cut off or is no JSON."""
        return cls(_name_in(text), BROKEN + text.strip())


def form_of_calls(tokenizer: Any) -> Form | None:
    """How a model writes calls, by its chat template; None for no tools or for another form."""
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        return None
    turns = [{"role": "user", "content": "?"}]
    try:
        shown = render_template(tokenizer, turns, tools=[PROBE_TOOL], add_generation_prompt=True)
    except (TemplateError, TypeError, ValueError):
        return None
    if PROBE not in shown:
        return None
    # the template says how a call is written; other forms than these two are not read
    if OPEN in shown and '"arguments"' in shown:
        return "hermes"
    return "llama" if LLAMA in shown else None


class CallReader:
    """Feed it the pieces: it returns the text between calls and keeps the `calls`."""

    def __init__(self, form: Form | None) -> None:
        self.calls: list[WrittenCall] = []
        self._form = form
        self._held = ""
        self._said = False  # whether any text came, after which Llama's form is text as well

    def feed(self, piece: str) -> str:
        """The text that is known to be no call."""
        if self._form is None or not piece:
            return piece
        self._held += piece
        if self._form == "hermes":
            return self._between_marks()
        return self._before_object()

    def rest(self) -> str:
        """The text that was held back, once the model has ended."""
        held, self._held = self._held, ""
        if self._form == "llama" and held.strip():
            self._read_objects(held)
            return "" if self.calls else held
        if OPEN in held:  # the end is missing
            self.calls.append(WrittenCall.broken(held.replace(OPEN, "")))
            return ""
        return held

    def _between_marks(self) -> str:
        """The text outside of whole blocks; what may open one, and an open one, are held back."""
        shown = ""
        while True:
            if self.calls:  # white space between two calls is no text
                self._held = self._held.lstrip()
            before, opened, inside = self._held.partition(OPEN)
            if not opened:
                certain = len(before) - _overlap(before)
                self._held = before[certain:]
                return shown + before[:certain]
            block, closed, after = inside.partition(CLOSE)
            shown += before
            if not closed:
                self._held = OPEN + inside
                return shown
            self.calls.append(_read(block, "arguments"))
            self._held = after

    def _before_object(self) -> str:
        """Nothing, while all that came may be Llama's call: it is the whole message or none."""
        if not self._said and self._held.lstrip()[:1] in ("", "{"):
            return ""
        self._said = True
        shown, self._held = self._held, ""
        return shown

    def _read_objects(self, text: str) -> None:
        decoder = json.JSONDecoder()
        rest = text.strip()
        found: list[WrittenCall] = []
        while rest:
            try:
                value, end = decoder.raw_decode(rest)
            except (ValueError, RecursionError):
                self.calls = [*found, WrittenCall.broken(rest)] if _name_in(rest) else []
                return
            call = _from_object(value, "parameters")
            if call is None:
                self.calls = []
                return
            found.append(call)
            rest = rest[end:].lstrip(" ;\n")
        self.calls = found


def call_chunk(call: WrittenCall, number: int) -> Any:
    """The call as a piece of LangChain's stream."""
    from uuid import uuid4

    return {
        "name": call.name,
        "args": call.arguments,
        "id": f"call_{uuid4().hex[:12]}",
        "index": number,
        "type": "tool_call_chunk",
    }


def _read(block: str, key: str) -> WrittenCall:
    try:
        value = json.loads(block)
    except (ValueError, RecursionError):
        return WrittenCall.broken(block)
    return _from_object(value, key) or WrittenCall.broken(block)


def _from_object(value: Any, key: str) -> WrittenCall | None:
    """The call in one JSON object; None where the object is no call."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    other = "parameters" if key == "arguments" else "arguments"
    arguments = value.get(key, value.get(other, {}))
    if isinstance(arguments, str):  # some write the arguments as text once more
        return WrittenCall(value["name"], arguments if _is_json(arguments) else BROKEN + arguments)
    return WrittenCall(value["name"], json.dumps(arguments, ensure_ascii=False))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _name_in(broken: str) -> str:
    """The name in a call that is no JSON, for the message about it; empty where none is read."""
    _, found, rest = broken.partition('"name"')
    parts = rest.split('"')
    return parts[1] if found and len(parts) > 2 else ""


def _overlap(text: str) -> int:
    """Length of the longest end of the text that begins a call."""
    for size in range(min(len(OPEN) - 1, len(text)), 0, -1):
        if text.endswith(OPEN[:size]):
            return size
    return 0
