"""The events of an answer -> the same, with all that it rests on in the last one.

An agent names what it alone knows: its model, collection or source. What every answer has, route,
passages, query, settings and the turns before, is gathered here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agents.choices import SPOKEN
from agents.registry import AGENTS
from workbench.artefacts.run_folder import lineage_of_model
from workbench.chat.conversations import Turn
from workbench.chat.events import Done, Event, Failed, Query, Routed, Source, Table
from workbench.chat.lineage import passage_of
from workbench.settings import Settings

DIGITS = 12  # of a sha256: enough to see that two texts differ


class Gathered:
    """What is known of one answer while its events pass."""

    def __init__(self, history: Sequence[Turn], settings: Settings, files: Sequence[str]) -> None:
        self._settings = settings
        self._facts: dict[str, Any] = {}
        if history:
            turns = [(turn.role, turn.content) for turn in history]
            self._facts |= {"turns": len(turns), "history": digest(turns)}
        if files:
            self._facts["files"] = [Path(file).name for file in files]

    def complete(self, event: Event) -> Event:
        """The event; the last one of an answer has its whole lineage."""
        if isinstance(event, Routed):
            self._begin(event)
        elif isinstance(event, Source):
            self._facts.setdefault("passages", []).append(passage_of(event))
        elif isinstance(event, Query):
            self._facts["query"] = event.sql
        elif isinstance(event, Table):
            self._facts["rows"] = digest([event.columns, event.rows])
        elif isinstance(event, Done):
            run = lineage_of_model(event.model, self._settings)
            return replace(event, lineage={**event.lineage, **run, **self._facts})
        elif isinstance(event, Failed):
            chosen = _chosen(self._facts.get("agent", ""), self._settings)
            return replace(event, lineage={**chosen, **self._facts, **event.lineage})
        return event

    def _begin(self, routed: Routed) -> None:
        """What a former agent has found is no part of the answer of the next one."""
        for key in ("passages", "query", "rows"):
            self._facts.pop(key, None)
        self._facts |= {"agent": routed.mode, "reason": routed.reason}
        self._facts["settings"] = _spoken(self._settings)
        prompt = prompt_version(routed.mode)
        if prompt:
            self._facts["prompt"] = prompt


def digest(data: Any) -> str:
    """A short name of the data that is another one whenever the data are others."""
    text = json.dumps(data, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


@cache
def prompt_version(mode: str) -> str:
    """What identifies the prompts that lie in the agent's folder; empty where it has none."""
    row = AGENTS.get(mode)
    room = row.run.partition(":")[0].rpartition(".")[0] if row else ""
    package = find_spec(room) if room else None
    if package is None or package.origin is None:
        return ""
    files = sorted(Path(package.origin).parent.glob("*.md"))
    return digest([file.read_text("utf-8") for file in files]) if files else ""


def _chosen(mode: str, settings: Settings) -> dict[str, Any]:
    """What an agent was to answer from, by the settings: an answer that failed does not say it."""
    agent = AGENTS.get(mode)
    if agent is None:
        return {}
    found = {"model": getattr(settings, agent.model)}
    if agent.asset and not agent.from_memory:
        found[agent.asset] = getattr(settings, agent.asset)
    return {name: value for name, value in found.items() if value != "auto"}


def _spoken(settings: Settings) -> dict[str, Any]:
    """How the model was to speak; of a long system prompt only what identifies it."""
    found = {name: getattr(settings, name) for name in SPOKEN}
    if settings.system_prompt:
        found["system_prompt"] = digest(settings.system_prompt)
    return found
