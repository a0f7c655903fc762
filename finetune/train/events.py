"""A line of another process -> the event it tells, and the error that the process ended with."""

from __future__ import annotations

import json
from typing import Any

from workbench.errors import Stopped, WorkbenchError
from workbench.messages import read_messages

ENDS = ("failed", "cancelled", "done")  # what becomes this command's own end


def read_event(line: str) -> dict[str, Any]:
    """The event; empty where a library has printed something else."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return {}
    if not isinstance(event, dict) or "event" not in event:
        return {}
    return read_messages(event)


def error_of(event: dict[str, Any]) -> WorkbenchError | None:
    """What a process has ended with, as an error of this one."""
    kinds = {"failed": WorkbenchError, "cancelled": Stopped}
    kind = kinds.get(event.get("event", ""))
    return kind(event["problem"], event["fix"]) if kind else None
