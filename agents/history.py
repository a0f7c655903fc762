"""A JSON file -> the turns of a chat before the question, as the page would hand them on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agents.registry import AGENTS
from workbench.chat.conversations import Turn
from workbench.errors import InvalidInput, NotFound
from workbench.messages import say

FORM = 'Write a list such as [{"role": "user", "content": "…"}, {"role": "assistant", …}].'
ROLES = ("user", "assistant")


def read_history(path: Path) -> list[Turn]:
    """The turns, oldest first. `mode` names the agent of an answer where it is known.

    Raises NotFound for a missing file, InvalidInput for anything but such a list.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise NotFound(
            say("There is no file {path}.", path=path), "Check the path after --history."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            say("{path} cannot be read as text: {error}", path=path, error=error),
            "Give a JSON file in UTF-8.",
        ) from error
    try:
        turns = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            say("{path} is not JSON: {error}", path=path, error=error), FORM
        ) from error
    if not isinstance(turns, list):
        raise InvalidInput(say("{path} holds no list of turns.", path=path), FORM)
    return [_read_turn(turn, number, path) for number, turn in enumerate(turns, 1)]


def _read_turn(turn: Any, number: int, path: Path) -> Turn:
    if not isinstance(turn, dict):
        raise InvalidInput(
            say("Turn {number} of {path} is no object.", number=number, path=path), FORM
        )
    role, content, mode = turn.get("role"), turn.get("content"), turn.get("mode") or ""
    if role not in ROLES:
        raise InvalidInput(
            say(
                "Turn {number} of {path} has the role {role}.", number=number, path=path, role=role
            ),
            "A role is user or assistant.",
        )
    if not isinstance(content, str):
        raise InvalidInput(
            say("Turn {number} of {path} has no text as its content.", number=number, path=path),
            FORM,
        )
    if mode and mode not in AGENTS:
        raise InvalidInput(
            say(
                "Turn {number} of {path} has the mode {mode}.", number=number, path=path, mode=mode
            ),
            say("Leave it out, or use one of: {agents}.", agents=", ".join(AGENTS)),
        )
    return Turn(role, content, mode)
