"""Events of an answer -> what OpenAI's clients read, and all the rest in the field `workbench`.

`workbench` has a list for each kind of event: {"sources": [...], "queries": [...], "tables": [...],
"charts": [...], "steps": [...], …}, with the fields of `workbench/chat/events.py`. In a stream each
piece has those that are new. `mode` names the agent that answers, `lineage` what it rests on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.chat.events import (
    Calling,
    Chart,
    Done,
    Event,
    Failed,
    Folded,
    Notice,
    Query,
    Routed,
    Source,
    Step,
    Suggestions,
    Table,
    Thought,
    Token,
    Waiting,
    to_dict,
)
from workbench.language import tokens
from workbench.models.pieces import Stops

LISTS: dict[type, str] = {
    Routed: "routes",
    Source: "sources",
    Query: "queries",
    Table: "tables",
    Chart: "charts",
    Calling: "calls",
    Step: "steps",
    Folded: "folded",
    Notice: "notices",
    Suggestions: "suggestions",
}
CITED = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class ToolCalls:
    """Calls that the client is to make, in OpenAI's shape. Only of a request with tools."""

    calls: list[dict[str, Any]]


Item = Event | ToolCalls


@dataclass
class Piece:
    """What one event adds: to the message, and to `workbench`."""

    delta: dict[str, Any] = field(default_factory=dict)
    workbench: dict[str, Any] = field(default_factory=dict)


class Written:
    """One answer as it grows."""

    def __init__(self, stops: Sequence[str], most_tokens: int, prompt: str, address: str) -> None:
        self._stops = Stops(stops)
        self._most_tokens = most_tokens
        self._prompt = prompt
        self._address = address
        self._sources: dict[int, Source] = {}
        self.text = ""
        self.thought = ""
        self.calls: list[dict[str, Any]] = []
        self.done: Done | None = None
        self.failed: Failed | None = None
        self.workbench: dict[str, Any] = {}

    @property
    def ended(self) -> bool:
        """Whether nothing more belongs to the answer."""
        return bool(self.done or self.failed or self._stops.cut)

    def take(self, item: Item) -> Piece:
        """What the event adds; nothing for a beat."""
        piece = self._piece(item)
        add(self.workbench, piece.workbench)
        return piece

    def _piece(self, item: Item) -> Piece:
        if isinstance(item, Token):
            return self._said(self._stops.feed(item.text))
        if isinstance(item, Thought):
            self.thought += item.text
            return Piece({"reasoning_content": item.text} if item.text else {})
        if isinstance(item, ToolCalls):
            self.calls = item.calls
            numbered = [call | {"index": number} for number, call in enumerate(item.calls)]
            return Piece({"tool_calls": numbered})
        if isinstance(item, Done):
            return self._end(item)
        if isinstance(item, Failed):
            self.failed = item
            return self._said(self._stops.rest())
        return self._beside(item)

    def _said(self, text: str) -> Piece:
        self.text += text
        return Piece({"content": text} if text else {})

    def _beside(self, event: Event) -> Piece:
        """An event that is no text of the answer."""
        if isinstance(event, Source):
            self._sources[event.number] = event
        return Piece(workbench=extension(event))

    def _end(self, done: Done) -> Piece:
        self.done = done
        piece = self._said(self._stops.rest())
        piece.workbench = extension(done)
        return piece

    def annotations(self) -> list[dict[str, Any]]:
        """A citation of OpenAI's shape for each passage, up to the last one that the text cites.

        Chat programs take the n-th of them for [n], so they come by their numbers. One that the
        text does not cite has an empty place.
        """
        places: dict[int, tuple[int, int]] = {}
        for mark in CITED.finditer(self.text):
            places.setdefault(int(mark.group(1)), mark.span())
        last = max(places.keys() & self._sources.keys(), default=0)
        numbers = [number for number in sorted(self._sources) if number <= last]
        return [self._citation(number, places.get(number, (0, 0))) for number in numbers]

    def _citation(self, number: int, place: tuple[int, int]) -> dict[str, Any]:
        source = self._sources[number]
        path = f"{quote(source.collection, safe='')}/passages/{quote(source.passage_id, safe='')}"
        citation = {
            "url": f"{self._address}/v1/collections/{path}",
            "title": self._title(source),
            "start_index": place[0],
            "end_index": place[1],
        }
        return {"type": "url_citation", "url_citation": citation}

    def _title(self, source: Source) -> str:
        """Its file and place; Open WebUI takes two of one title for one passage."""
        title = title_of(source)
        alike = [other for other in self._sources.values() if title_of(other) == title]
        return f"{title} [{source.number}]" if len(alike) > 1 else title

    @property
    def finish(self) -> str:
        """OpenAI's word for why the answer has ended."""
        if self.calls:
            return "tool_calls"
        made = self.done.tokens if self.done else 0
        return "length" if self._most_tokens and made >= self._most_tokens else "stop"

    @property
    def usage(self) -> dict[str, int]:
        """Tokens as the model's server counts them, else as they are estimated."""
        read = self.done.read if self.done else 0
        made = self.done.tokens if self.done else 0
        read = read or tokens(self._prompt)
        made = made or tokens(self.text)
        return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}

    def last(self) -> Piece:
        """What comes with the end of a stream: LobeChat looks for citations nowhere else."""
        annotations = self.annotations()
        return Piece({"annotations": annotations} if annotations else {})

    def message(self) -> dict[str, Any]:
        """The whole message."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text, "refusal": None}
        if self.thought:
            message["reasoning_content"] = self.thought
        annotations = self.annotations()
        if annotations:
            message["annotations"] = annotations
        if self.calls:
            message |= {"tool_calls": self.calls, "content": self.text or None}
        message["workbench"] = {"mode": self.workbench.get("mode", "")}
        return message


def title_of(source: Source) -> str:
    """The name of a passage's file, and its place in it."""
    name = Path(source.source.replace("\\", "/")).name
    return f"{name} {source.locator}".strip()


def extension(event: Event) -> dict[str, Any]:
    """What the event adds to `workbench`."""
    if isinstance(event, Waiting):
        return {"place": event.place}
    if isinstance(event, Done):
        facts = as_json(event)
        return {name: facts[name] for name in ("model", "seconds", "lineage")}
    name = LISTS.get(type(event))
    if name is None:
        return {}
    data = as_json(event)
    data.pop("event")
    mode = {"mode": event.mode} if isinstance(event, Routed) else {}
    return {name: [data], **mode}


def add(whole: dict[str, Any], more: dict[str, Any]) -> None:
    """Put a piece of `workbench` to those before: lists grow, anything else is replaced."""
    for name, value in more.items():
        if isinstance(value, list):
            whole.setdefault(name, []).extend(value)
        else:
            whole[name] = value


def gathered(events: Sequence[Event]) -> dict[str, Any]:
    """The whole `workbench` of an answer that is kept."""
    whole: dict[str, Any] = {}
    for event in events:
        add(whole, extension(event))
    return whole


def as_json(event: Event) -> dict[str, Any]:
    """The event as JSON has it: dates are text, and what is no number is null."""
    text = json.dumps(to_dict(event), ensure_ascii=False, default=str)
    return json.loads(text, parse_constant=lambda _: None)
