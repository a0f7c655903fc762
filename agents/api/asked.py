"""A request of a chat, as OpenAI's clients send it -> a question, the turns before, the settings.

Fields that no agent has a use for (`seed`, `user`, …) are passed over. What would change the answer
and cannot be done is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.api.models import read_name
from agents.registry import AGENTS
from workbench.chat.conversations import Turn
from workbench.errors import InvalidInput
from workbench.messages import say
from workbench.settings import Settings

MOST_STOPS = 16
MOST_MESSAGES = 2000
ASSISTANT = "assistant"


class Strict(BaseModel):
    """Data whose types are as they are documented: no text for a number, no number for a truth."""

    model_config = ConfigDict(strict=True)


class Part(Strict):
    """A part of a message; only `text` is read."""

    type: str
    text: str = ""


class Message(Strict):
    """One message. An answer that is sent back may carry its field `workbench`, with the mode."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    workbench: dict[str, Any] | None = None


class StreamOptions(Strict):
    """Whether the stream ends with the tokens used."""

    include_usage: bool | None = None


class ChatRequest(Strict):
    """What is asked."""

    model: str = Field(examples=["workbench-auto"])
    messages: list[Message] = Field(
        min_length=1, max_length=MOST_MESSAGES, examples=[[{"role": "user", "content": "Hello?"}]]
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: str | list[str] | None = None
    n: int | None = Field(None, ge=1)
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None

    @property
    def most_tokens(self) -> int:
        """The longest answer that the client wants; 0 where it does not say."""
        return self.max_completion_tokens or self.max_tokens or 0

    @property
    def stops(self) -> list[str]:
        """The texts before which the answer ends."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return [stop for stop in given if stop]

    @property
    def tells_usage(self) -> bool:
        """Whether the stream ends with the tokens used."""
        return bool(self.stream_options and self.stream_options.include_usage)


@dataclass(frozen=True)
class Asked:
    """What the chat seam is given; `tools` are those that the model may call."""

    text: str
    history: Sequence[Turn]
    settings: Settings
    mode: str
    tools: Sequence[dict[str, Any]] = ()


def read_request(request: ChatRequest, settings: Settings) -> Asked:
    """Raises NotFound for the model, InvalidInput for what cannot be done.

    Tools that are offered need not be called, and the assistant alone passes them on: Open WebUI
    offers its own with every question.
    """
    _check_wishes(request)
    mode, settings = read_name(request.model, settings)
    settings = _as_wished(request, settings)
    if request.tools and mode == ASSISTANT and request.tool_choice != "none":
        return Asked("", [], settings, mode, request.tools)
    said = [message for message in request.messages if not _is_system(message)]
    if not said or said[-1].role != "user":
        raise InvalidInput(
            "The last message is no question.", "Let it have the role user and a text."
        )
    return Asked(text_of(said[-1]), _turns(said[:-1]), settings, mode)


def text_of(message: Message) -> str:
    """The message's text. Raises InvalidInput for pictures and sounds."""
    if message.content is None:
        return ""
    if isinstance(message.content, str):
        return message.content
    other = [part.type for part in message.content if part.type != "text"]
    if other:
        raise InvalidInput(
            say("Parts of the kind “{kind}” are not read.", kind=other[0]), "Send text alone."
        )
    return "\n".join(part.text for part in message.content)


def _check_wishes(request: ChatRequest) -> None:
    form = (request.response_format or {}).get("type", "text")
    if (request.n or 1) > 1:
        raise InvalidInput("There is one answer to a question.", "Leave n out.")
    if form != "text":
        raise InvalidInput("Agents answer in text.", "Leave response_format out.")
    if request.logprobs:
        raise InvalidInput("Probabilities of tokens are not known.", "Leave logprobs out.")
    if len(request.stops) > MOST_STOPS:
        raise InvalidInput(
            "There are too many stops.", say("Send {most} at most.", most=MOST_STOPS)
        )
    if request.tools and request.tool_choice not in (None, "auto", "none"):
        raise InvalidInput("No model can be made to call a tool.", "Leave tool_choice out.")


def _as_wished(request: ChatRequest, settings: Settings) -> Settings:
    """The settings with what the request says of how to speak."""
    said = [text_of(message) for message in request.messages if _is_system(message)]
    wished = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "answer_tokens": request.most_tokens or None,
        "system_prompt": "\n\n".join(filter(None, [settings.system_prompt, *said])),
    }
    given = {name: value for name, value in wished.items() if value is not None}
    return settings.model_copy(update=given)


def _is_system(message: Message) -> bool:
    return message.role in ("system", "developer")


def _turns(messages: Sequence[Message]) -> list[Turn]:
    """Questions with their answers; a question without one is left out, as in a kept chat."""
    turns: list[Turn] = []
    question = ""
    for message in messages:
        text = text_of(message)
        if message.role == "user":
            question = text
        elif message.role == "assistant" and question and text:
            turns += [Turn("user", question), Turn("assistant", text, _mode_of(message))]
            question = ""
    return turns


def _mode_of(message: Message) -> str:
    mode = (message.workbench or {}).get("mode")
    return mode if isinstance(mode, str) and mode in AGENTS else ""
