"""Turns as OpenAI, ShareGPT and their kin write them -> messages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from finetune.data.calls import read_call, read_calls
from finetune.data.examples import Message, Role
from finetune.data.thinking import with_thinking
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
CALL_PARTS = ("tool_call", "tool_calls", "function_call")
THOUGHTS = ("reasoning", "thinking", "thought")
WEIGHTS = ("weight", "loss_weight", "train", "loss")  # 0 or false: context only


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
            joined = _joined(last, message) if last else None
            if joined:
                messages[-1] = joined
            else:
                messages.append(message)
    return tuple(messages)


def _joined(last: Message, message: Message) -> Message | None:
    """Two turns that are one; None where they are two."""
    if last.role == message.role == "system":
        return Message("system", f"{last.content}\n\n{message.content}")
    # ShareGPT writes each call as a turn of its own
    if last.role == "assistant" and message.tool_calls and not message.content:
        calls = last.tool_calls + message.tool_calls
        return Message("assistant", last.content, calls, message.learned)
    return None


def _read_turn(turn: Any) -> Iterator[Message]:
    if not isinstance(turn, dict):
        raise InvalidInput(
            say("a turn is no object but {name}", name=type(turn).__name__),
            "Write each turn as role and content.",
        )
    name = _role_name(turn)
    content = turn["content"] if "content" in turn else turn.get("value")
    learned = not any(key in turn and not turn[key] for key in WEIGHTS)
    if name == "tool" and "observation" in turn:
        # ChatGLM3: the call and its result in one turn
        call = read_call({"name": turn.get("name"), "arguments": turn.get("parameters")})
        yield Message("assistant", "", (call,))
        yield Message("tool", _as_text(turn["observation"]))
    elif name in CALLS:
        yield Message("assistant", "", read_calls(content), learned)
    elif ROLES[name] == "assistant":
        yield _read_answer(turn, content, learned)
    else:
        yield Message(ROLES[name], _as_text(content))


def _role_name(turn: dict[str, Any]) -> str:
    name = str(turn.get("role") or turn.get("from") or "").strip().lower()
    if name in ROLES:
        return name
    fix = "Use system, user, assistant, tool, function_call, observation."
    if not name:
        raise InvalidInput("a turn has no role", fix)
    raise InvalidInput(say("unknown role {name!r}", name=name), fix)


def _read_answer(turn: dict[str, Any], content: Any, learned: bool) -> Message:
    calls: tuple[dict[str, Any], ...] = ()
    thinking = ""
    if isinstance(content, list):
        text, thinking, calls = _read_parts(content)
    else:
        text = _as_text(content)
    thinking = thinking or _as_text(turn.get("reasoning_content") or turn.get("reasoning"))
    for key in ("tool_calls", "function_call"):
        if turn.get(key):
            calls += read_calls(turn[key])
    return Message("assistant", with_thinking(thinking, text), calls, learned)


def _read_parts(parts: Iterable[Any]) -> tuple[str, str, tuple[dict[str, Any], ...]]:
    """A content of typed parts -> text, thinking, calls."""
    texts: list[str] = []
    thoughts: list[str] = []
    calls: tuple[dict[str, Any], ...] = ()
    for part in parts:
        typed = part if isinstance(part, dict) else {"text": part}
        kind = str(typed.get("type", "text"))
        value = _value_of(typed, kind)
        if kind in THOUGHTS:
            thoughts.append(_as_text(value))
        elif kind in CALL_PARTS:
            calls += read_calls(value)
        elif kind == "text":
            texts.append(_as_text(value))
        else:
            raise InvalidInput(
                say("a part of type {kind!r}", kind=kind),
                "Only text, reasoning and tool calls can be learned here.",
            )
    return "".join(texts), "\n".join(thoughts), calls


def _value_of(part: dict[str, Any], kind: str) -> Any:
    """Some name the field after the type, some `value`, some `text`."""
    for key in (kind, "value", "text"):
        if key in part:
            return part[key]
    return ""


def _as_text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, str | dict) for part in content):
        text, _, _ = _read_parts(content)
        return text
    return json.dumps(content, ensure_ascii=False)
