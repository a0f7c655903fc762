"""Messages -> nothing, or the first reason why they are no dialogue that a chat can have."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.data.examples import Message
from finetune.data.thinking import split_thinking
from workbench.errors import InvalidInput
from workbench.messages import say

# a turn -> the roles that may follow; "" is the beginning, "call" an assistant calling a tool
MAY_FOLLOW: dict[str, tuple[str, ...]] = {
    "": ("user",),
    "user": ("assistant",),
    "assistant": ("user",),
    "call": ("tool",),
    "tool": ("tool", "assistant"),
}


def check_order(messages: Sequence[Message]) -> None:
    """Raises InvalidInput unless user and assistant take turns, the tools between, answer last."""
    _check_both_sides(messages)
    before = ""
    for number, message in enumerate(messages, 1):
        if message.role == "system" and number == 1:
            continue
        if message.role not in MAY_FOLLOW[before]:
            raise _out_of_order(before, message.role, number)
        _check_content(message, number)
        before = "call" if message.tool_calls else message.role
    if before not in ("assistant", "call"):
        raise InvalidInput(
            "ends without an answer", "Add the assistant's answer, or delete the last turn."
        )
    if not any(message.learned for message in messages if message.role == "assistant"):
        raise InvalidInput(
            "every answer has weight 0, so nothing is learned",
            "Set a weight to 1, or delete this row.",
        )


def _check_both_sides(messages: Sequence[Message]) -> None:
    roles = {message.role for message in messages}
    if "user" not in roles:
        raise InvalidInput(
            "no user turn", "Add the question that the answer is for, or delete this row."
        )
    if "assistant" not in roles:
        raise InvalidInput(
            "no answer of the assistant", "Add the answer to learn, or delete this row."
        )


def _check_content(message: Message, number: int) -> None:
    if message.role == "user" and not message.content.strip():
        raise InvalidInput(
            say("turn {number}: the user says nothing", number=number),
            "Write the question, or delete this row.",
        )
    if message.role != "assistant" or message.tool_calls:
        return
    _, said = split_thinking(message.content)
    if not said:
        raise InvalidInput(
            say("turn {number}: empty answer", number=number),
            "Write the answer, or delete this row.",
        )


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
    problem = say(
        "turn {number}: roles out of order, {role} after {before}",
        number=number,
        role=role,
        before=before,
    )
    if before == role:
        return InvalidInput(problem, "The two turns may be one.")
    return InvalidInput(problem, "Put them in order.")
