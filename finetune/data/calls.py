"""Tools and tool calls as OpenAI, ShareGPT and their kin write them -> one form of each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from workbench.errors import InvalidInput
from workbench.messages import say

CALL_FORM = 'Write {"name": …, "arguments": {…}}.'
AS_TEXT = "<tool_call>\n{}\n</tool_call>"  # Hermes' form


def read_calls(calls: Any) -> tuple[dict[str, Any], ...]:
    """Calls, or one, as JSON text or objects -> name and arguments. Raises InvalidInput."""
    found = _parse(calls, "the call") if isinstance(calls, str) else calls
    if not isinstance(found, list | tuple):
        found = [found]
    return tuple(read_call(call) for call in found)


def read_call(call: Any) -> dict[str, Any]:
    """One call, with or without OpenAI's wrapping. Raises InvalidInput."""
    if isinstance(call, dict):
        call = call.get("function", call)
    name = call.get("name") if isinstance(call, dict) else None
    if not name or not isinstance(name, str):
        raise InvalidInput("a tool call has no name", CALL_FORM)
    arguments = call.get("arguments", call.get("parameters")) or {}
    if isinstance(arguments, str):
        arguments = _parse(arguments, "the call's arguments")
    if not isinstance(arguments, dict):
        raise InvalidInput("a tool call's arguments are no object", CALL_FORM)
    return {"name": name, "arguments": arguments}


def with_calls(text: str, calls: Iterable[dict[str, Any]]) -> str:
    """The text, and the calls after it in Hermes' form, which many models were trained on."""
    parts = [AS_TEXT.format(json.dumps(call, ensure_ascii=False)) for call in calls]
    return "\n".join([text, *parts] if text.strip() or not parts else parts)


def read_tools(tools: Any) -> tuple[dict[str, Any], ...]:
    """Tools as JSON text or objects, with or without OpenAI's wrapping -> OpenAI's form.

    Raises InvalidInput.
    """
    found = _parse(tools, "`tools`") if isinstance(tools, str) and tools.strip() else tools
    if isinstance(found, dict):
        found = [found]
    return tuple(_read_tool(tool) for tool in objects_in(found or [], "`tools`"))


def objects_in(found: Any, what: str) -> list[dict[str, Any]]:
    """The list itself where it is one of objects. Raises InvalidInput, which names it `what`."""
    if not isinstance(found, list | tuple) or not all(isinstance(one, dict) for one in found):
        raise InvalidInput(
            say("{what} is no list of objects", what=what), "Write a list of objects."
        )
    return list(found)


def _read_tool(tool: dict[str, Any]) -> dict[str, Any]:
    wrapped = tool if "function" in tool else {"function": tool}
    function = wrapped["function"]
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise InvalidInput(
            "a tool has no name", "Give each tool a name, a description and parameters."
        )
    return {"type": "function", **wrapped}


def _parse(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            say("{what} is not valid JSON: {error}", what=what, error=error),
            "Correct the JSON, or delete this row.",
        ) from error
