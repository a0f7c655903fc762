"""The tool that knows which day it is."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date
from typing import Any

from agents.none.texts import today
from agents.tools.tool import Outcome, Results, Tool
from workbench.chat.events import Event


def _today(arguments: dict[str, Any], results: Results) -> Generator[Event, None, Outcome]:
    yield from ()
    week = date.today().isocalendar().week
    return Outcome(f"{today('en')}, week {week}")


TODAY = Tool(
    name="today",
    description="Tells today's date, weekday and week number.",
    parameters={"type": "object", "properties": {}},
    run=_today,
    pure=True,
)
