"""One turn of the chat model: messages and tools -> its text and its calls, strictly read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.assistant.work import Work
from agents.tools.tool import Tool
from workbench.chat.events import Thought
from workbench.errors import Unavailable
from workbench.language import tokens
from workbench.messages import say
from workbench.models.chosen import ChosenModel
from workbench.models.failures import maps_model_errors
from workbench.models.reasoning import Marks, split_stream
from workbench.models.repetition import Repetition
from workbench.tracing import span

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

ATTEMPTS = 3  # the first and two corrections of a call that cannot be read
AGAIN = (
    "Your call of {name} could not be read: it is no whole JSON. Write the whole call again, or "
    "answer without it."
)
BROKEN = say("The call was cut off or is no JSON, so it was not made.")


@dataclass(frozen=True)
class Speaker:
    """The chosen model and LangChain's form of it, made once an answer."""

    model: ChosenModel
    chat: BaseChatModel


class _Turn:
    """What one request to the model has brought."""

    def __init__(self) -> None:
        self.text = ""
        self.whole: Any = None

    def add(self, chunk: Any) -> None:
        self.whole = chunk if self.whole is None else self.whole + chunk


def speak(
    work: Work, speaker: Speaker, messages: Sequence[BaseMessage], tools: Sequence[Tool]
) -> AIMessage:
    """The model's message: its answer, or calls whose arguments are whole JSON objects.

    Thinking, and text beside calls, become thoughts. Raises what the model raises, Left and
    LimitReached, and Unavailable where its calls cannot be read after two corrections.
    """
    from langchain_core.messages import AIMessage, HumanMessage

    turns = list(messages)
    for _ in range(ATTEMPTS):
        turn = _listen(work, speaker, turns, tools)
        calls, broken = _calls_of(turn.whole)
        if not broken:
            if calls and turn.text.strip():
                work.events.put(Thought(turn.text.strip() + "\n"))
            return AIMessage(content=turn.text, tool_calls=calls)
        for name in broken:
            work.broken_call(name, BROKEN)
        turns.append(HumanMessage(AGAIN.format(name=broken[0])))
    raise Unavailable(
        say("{model} writes calls of tools that cannot be read.", model=speaker.model.name),
        "Choose a larger model, or raise WORKBENCH_ANSWER_TOKENS.",
    )


def _listen(
    work: Work, speaker: Speaker, messages: Sequence[BaseMessage], tools: Sequence[Tool]
) -> _Turn:
    chat, model = speaker.chat, speaker.model
    bound: Any = chat.bind_tools([tool.as_openai for tool in tools]) if tools else chat
    turn = _Turn()
    traced = span("model call", model=model.name, messages=len(messages), tools=len(tools))
    with traced, maps_model_errors(model.name, model.settings):
        for event in split_stream(_pieces(work, bound.stream(list(messages)), turn)):
            if isinstance(event, Thought):
                work.events.put(event)
            else:
                turn.text += event.text
    _count(work, turn, messages)
    return turn


def _pieces(work: Work, chunks: Iterator[Any], turn: _Turn) -> Iterator[str]:
    """The text in pieces, reasoning inside `<think>`; ends where the model only repeats itself."""
    marks = Marks()
    repetition = Repetition()
    for chunk in chunks:
        work.check()
        turn.add(chunk)
        thought = chunk.additional_kwargs.get("reasoning_content") or ""
        text = str(chunk.text)
        yield repetition.feed(marks.join(thought, text))
        if repetition.cut:
            return
    rest = repetition.rest()
    if rest:
        yield rest


def _count(work: Work, turn: _Turn, messages: Sequence[BaseMessage]) -> None:
    """Add the tokens of this request, estimated where nobody counts them."""
    usage = getattr(turn.whole, "usage_metadata", None)
    if usage:
        work.made += usage["output_tokens"]
        work.read += usage["input_tokens"]
        work.last_read = usage["input_tokens"]
        return
    work.made += tokens(turn.text)
    work.read += sum(tokens(str(message.content)) for message in messages)


def _calls_of(whole: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The calls whose arguments are whole, and the names of those that are not.

    LangChain completes JSON that was cut off; so its own reading is not asked.
    """
    calls: list[dict[str, Any]] = []
    broken: list[str] = []
    for chunk in getattr(whole, "tool_call_chunks", None) or []:
        arguments = _read_object(chunk["args"] or "{}")
        if arguments is None or not chunk["name"]:
            broken.append(chunk["name"] or "")
            continue
        number = len(calls) + 1
        name = str(chunk["name"])
        calls.append(
            {
                "name": name,
                "args": arguments,
                "id": chunk["id"] or f"call_{number}",
                "type": "tool_call",
            }
        )
    return calls, broken


def _read_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
