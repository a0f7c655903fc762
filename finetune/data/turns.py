"""Turns as OpenAI, ShareGPT and their kin write them -> messages, in an order that a chat can have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from finetune.data.examples import Message, Role
from workbench.errors import InvalidInput
from workbench.messages import say

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "tool": "tool",
    "observation": "tool",
    "function": "tool",
    "tool_response": "tool",
    "function_response": "tool",
    "ipython": "tool",
}
CALLS = ("function_call", "tool_call")  # roles whose whole content is a call
THOUGHTS = ("reasoning", "thinking", "thought")
WEIGHTS = ("weight", "loss_weight", "train", "loss")  # 0 or false: context only
MAY_FOLLOW: dict[str, tuple[str, ...]] = {
    "": ("user",),
    "user": ("assistant",),
    "assistant": ("user",),
    "call": ("tool",),
    "tool": ("tool", "assistant"),
}


def read_turns(turns: Any) -> tuple[Message, ...]:
    """A list of {role|from, content|value, …} -> messages. Raises InvalidInput with the fix."""
    if not isinstance(turns, list | tuple):
        raise InvalidInput(
            say("the turns are no list but {name}", name=type(turns).__name__),
            "Write a list of role and content.",
        )
    messages: list[Message] = []
    for turn in turns:
        for message in _read_turn(turn):
            last = messages[-1] if messages else None
            if last and message.tool_calls and not message.content and last.role == "assistant":
                # ShareGPT writes each call as a turn of its own
                messages[-1] = Message(
                    "assistant", last.content, last.tool_calls + message.tool_calls, message.learned
                )
            elif last and last.role == message.role == "system":
                messages[-1] = Message("system", f"{last.content}\n\n{message.content}")
            else:
                messages.append(message)
    return tuple(messages)


def check_order(messages: Sequence[Message]) -> None:
    """Raises InvalidInput unless these are user and assistant in turn, the tools between, and an answer at the end."""
    roles = [message.role for message in messages]
    if "user" not in roles:
        raise InvalidInput(
            "no user turn", "Add the question that the answer is for, or delete this row."
        )
    if "assistant" not in roles:
        raise InvalidInput(
            "no answer of the assistant", "Add the answer to learn, or delete this row."
        )
    before = ""
    for number, message in enumerate(messages, 1):
        if message.role == "system" and number == 1:
            continue
        if message.role not in MAY_FOLLOW[before]:
            raise _out_of_order(before, message.role, number)
        if message.role == "user" and not message.content.strip():
            raise InvalidInput(
                say("turn {number}: the user says nothing", number=number),
                "Write the question, or delete this row.",
            )
        if (
            message.role == "assistant"
            and not message.tool_calls
            and not split_thinking(message.content)[1]
        ):
            raise InvalidInput(
                say("turn {number}: empty answer", number=number),
                "Write the answer, or delete this row.",
            )
        before = "call" if message.tool_calls else message.role
    if before != "assistant" and before != "call":
        raise InvalidInput(
            "ends without an answer", "Add the assistant's answer, or delete the last turn."
        )
    if not any(message.learned for message in messages if message.role == "assistant"):
        raise InvalidInput(
            "every answer has weight 0, so nothing is learned",
            "Set a weight to 1, or delete this row.",
        )


def split_thinking(content: str) -> tuple[str, str]:
    """What an answer thinks and what it says."""
    before, closing, said = content.rpartition("</think>")
    return (before.replace("<think>", "", 1).strip() if closing else ""), said.strip()


def with_thinking(thinking: str, answer: str) -> str:
    """Thinking and answer as reasoning models write them."""
    return (
        f"<think>\n{thinking.strip()}\n</think>\n\n{answer.strip()}" if thinking.strip() else answer
    )


def read_calls(text: Any) -> tuple[dict[str, Any], ...]:
    """A call, or a list of them, as JSON text or objects -> name and arguments. Raises InvalidInput."""
    found = _parse(text, "the call") if isinstance(text, str) else text
    return tuple(
        _read_call(call) for call in (found if isinstance(found, list | tuple) else [found])
    )


def read_tools(tools: Any) -> tuple[dict[str, Any], ...]:
    """Tools as JSON text or objects, with or without OpenAI's wrapping -> OpenAI's form. Raises InvalidInput."""
    found = _parse(tools, "`tools`") if isinstance(tools, str) and tools.strip() else tools
    found = [found] if isinstance(found, dict) else found or []
    tools = [
        tool if "function" in tool else {"function": tool} for tool in objects_in(found, "`tools`")
    ]
    for tool in tools:
        if not isinstance(tool["function"], dict) or not isinstance(
            tool["function"].get("name"), str
        ):
            raise InvalidInput(
                "a tool has no name", "Give each tool a name, a description and parameters."
            )
    return tuple({"type": "function", **tool} for tool in tools)


def objects_in(found: Any, what: str) -> list[dict[str, Any]]:
    """The list itself where it is one of objects. Raises InvalidInput."""
    if not isinstance(found, list | tuple) or not all(isinstance(one, dict) for one in found):
        raise InvalidInput(
            say("{what} is no list of objects", what=what), "Write a list of objects."
        )
    return list(found)


def _read_turn(turn: Any) -> Iterator[Message]:
    if not isinstance(turn, dict):
        raise InvalidInput(
            say("a turn is no object but {name}", name=type(turn).__name__),
            "Write each turn as role and content.",
        )
    name = str(turn.get("role") or turn.get("from") or "").strip().lower()
    if name not in ROLES:
        known = "system, user, assistant, tool, function_call, observation"
        raise InvalidInput(
            f"unknown role {name!r}" if name else "a turn has no role",
            say("Use {known}.", known=known),
        )
    content = turn["content"] if "content" in turn else turn.get("value")
    learned = not any(key in turn and not turn[key] for key in WEIGHTS)
    if name == "tool" and "observation" in turn:  # ChatGLM3: the call and its result in one turn
        yield Message(
            "assistant",
            "",
            (_read_call({"name": turn.get("name"), "arguments": turn.get("parameters")}),),
        )
        yield Message("tool", _as_text(turn["observation"]))
    elif name in CALLS:
        yield Message("assistant", "", read_calls(content), learned)
    elif ROLES[name] == "assistant":
        yield _read_answer(turn, content, learned)
    else:
        yield Message(ROLES[name], _as_text(content))


def _read_answer(turn: dict[str, Any], content: Any, learned: bool) -> Message:
    text, thinking, calls = (
        _read_parts(content) if isinstance(content, list) else (_as_text(content), "", ())
    )
    thinking = thinking or _as_text(turn.get("reasoning_content") or turn.get("reasoning"))
    calls += read_calls(turn["tool_calls"]) if turn.get("tool_calls") else ()
    calls += read_calls(turn["function_call"]) if turn.get("function_call") else ()
    return Message("assistant", with_thinking(thinking, text), calls, learned)


def _read_parts(parts: Iterable[Any]) -> tuple[str, str, tuple[dict[str, Any], ...]]:
    """A content of typed parts -> text, thinking, calls."""
    texts: list[str] = []
    thoughts: list[str] = []
    calls: tuple[dict[str, Any], ...] = ()
    for part in parts:
        typed = part if isinstance(part, dict) else {"text": part}
        kind = str(typed.get("type", "text"))
        value = next((typed[key] for key in (kind, "value", "text") if key in typed), "")
        if kind in THOUGHTS:
            thoughts.append(_as_text(value))
        elif kind in ("tool_call", "tool_calls", "function_call"):
            calls += read_calls(value)
        elif kind == "text":
            texts.append(_as_text(value))
        else:
            raise InvalidInput(
                say("a part of type {kind!r}", kind=kind),
                "Only text, reasoning and tool calls can be learned here.",
            )
    return "".join(texts), "\n".join(thoughts), calls


def _read_call(call: Any) -> dict[str, Any]:
    call = call.get("function", call) if isinstance(call, dict) else call
    if not isinstance(call, dict) or not call.get("name") or not isinstance(call["name"], str):
        raise InvalidInput("a tool call has no name", 'Write {"name": …, "arguments": {…}}.')
    arguments = call.get("arguments", call.get("parameters")) or {}
    arguments = (
        _parse(arguments, "the call's arguments") if isinstance(arguments, str) else arguments
    )
    if not isinstance(arguments, dict):
        raise InvalidInput(
            "a tool call's arguments are no object", 'Write {"name": …, "arguments": {…}}.'
        )
    return {"name": call["name"], "arguments": arguments}


def _parse(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            say("{what} is not valid JSON: {error}", what=what, error=error),
            "Correct the JSON, or delete this row.",
        ) from error


def _as_text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, list) and all(isinstance(part, str | dict) for part in content):
        return _read_parts(content)[0]
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _out_of_order(before: str, role: str, number: int) -> InvalidInput:
    if role == "tool":
        return InvalidInput(
            say("turn {number}: a tool's result without a call before it", number=number),
            "Add the call (function_call), or delete the row.",
        )
    if before == "call":
        return InvalidInput(
            say("turn {number}: a call without its result", number=number),
            "Add the tool's result (observation).",
        )
    if not before:
        return InvalidInput(
            "the assistant speaks before the user",
            "Delete the greeting, or begin with a user turn.",
        )
    said = "The two turns may be one." if before == role else "Put them in order."
    return InvalidInput(
        say(
            "turn {number}: roles out of order, {role} after {before}",
            number=number,
            role=role,
            before=before,
        ),
        said,
    )
