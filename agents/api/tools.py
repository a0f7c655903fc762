"""A request with the client's own tools -> the words and the calls of the chat model.

The client makes the calls itself and sends what they returned in its next request.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from agents.api.asked import ChatRequest, text_of
from agents.api.written import Item, ToolCalls
from workbench.chat.events import Done, Failed
from workbench.errors import InvalidInput, Unavailable, WorkbenchError
from workbench.models.chosen import choose
from workbench.models.failures import maps_model_errors
from workbench.models.listing import CONNECT
from workbench.models.reasoning import Marks, split_stream
from workbench.settings import Settings
from workbench.tracing import span


def speak_with_tools(request: ChatRequest, settings: Settings) -> Generator[Item, None, None]:
    """Thoughts and tokens as they come, the calls, then Done; or Failed. Closing it stops it."""
    try:
        yield from _speak(request, settings)
    except WorkbenchError as error:
        yield Failed(error.problem, error.fix, kind=error.kind)


def _speak(request: ChatRequest, settings: Settings) -> Generator[Item, None, None]:
    begun = time.monotonic()
    model = choose(settings)
    if model is None:
        raise Unavailable("No chat model is connected.", CONNECT)
    messages = _messages(request)
    heard = _Heard()
    with span("model call", model=model.name), maps_model_errors(model.name, model.settings):
        bound: Any = model.chat_model().bind_tools(request.tools or [])
        yield from split_stream(_pieces(bound.stream(messages), heard))
    calls = heard.calls()
    if calls:
        yield ToolCalls(calls)
    usage = getattr(heard.whole, "usage_metadata", None) or {}
    yield Done(
        model.name,
        time.monotonic() - begun,
        usage.get("output_tokens", 0),
        {"model": model.name, "digest": model.info.digest},
        read=usage.get("input_tokens", 0),
        estimated=not usage,
    )


class _Heard:
    """All that the model has sent."""

    def __init__(self) -> None:
        self.whole: Any = None

    def add(self, chunk: Any) -> None:
        self.whole = chunk if self.whole is None else self.whole + chunk

    def calls(self) -> list[dict[str, Any]]:
        """Its calls in OpenAI's shape; the arguments are text as the model wrote it."""
        found = []
        for number, chunk in enumerate(getattr(self.whole, "tool_call_chunks", None) or []):
            function = {"name": chunk["name"] or "", "arguments": chunk["args"] or "{}"}
            name = chunk["id"] or f"call_{number}"
            found.append({"id": name, "type": "function", "function": function})
        return found


def _pieces(chunks: Any, heard: _Heard) -> Generator[str, None, None]:
    marks = Marks()
    for chunk in chunks:
        heard.add(chunk)
        thought = chunk.additional_kwargs.get("reasoning_content") or ""
        yield marks.join(thought, str(chunk.text))


def _messages(request: ChatRequest) -> list[Any]:
    """The messages as LangChain has them. Raises InvalidInput."""
    from langchain_core.messages import convert_to_messages

    plain = []
    for message in request.messages:
        one: dict[str, Any] = {"role": message.role, "content": text_of(message)}
        if message.tool_calls:
            one["tool_calls"] = message.tool_calls
        if message.role == "tool":
            one["tool_call_id"] = message.tool_call_id or ""
        plain.append(one)
    try:
        return convert_to_messages(plain)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            "The calls of tools in the messages cannot be read.",
            "Send tool_calls as they came.",
        ) from error
