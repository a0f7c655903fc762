"""LangChain's OpenAI chat model for vLLM and the like: keeps their thinking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from langchain_core.outputs import ChatGenerationChunk
from langchain_openai.chat_models.base import BaseChatOpenAI
from openai import OpenAI, Stream

Item = TypeVar("Item")
END = "[DONE]"  # after it nothing follows but the end of the reply


class CompatibleChatModel(BaseChatOpenAI):
    """Sends `max_tokens`, which every server knows; newer names are OpenAI's own.

    Their `reasoning_content` (or `reasoning`) goes to a chunk's `additional_kwargs`.
    """

    @property
    def _llm_type(self) -> str:
        return "openai-compatible"

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict, default_chunk_class: type, base_generation_info: dict | None
    ) -> ChatGenerationChunk | None:
        converted = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        if converted is None:
            return None
        choices: list[dict[str, Any]] = chunk.get("choices") or [{}]
        delta = choices[0].get("delta") or {}
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought:
            converted.message.additional_kwargs["reasoning_content"] = thought
        return converted


class PlainChunks:
    """OpenAI's `chat.completions`, whose stream gives each chunk as the JSON that came.

    To make its types of every token takes the client a third of an answer's processor time, and
    LangChain turns them back into JSON.
    """

    def __init__(self, client: OpenAI) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client.chat.completions, name)

    def create(self, **payload: Any) -> Any:
        """The same as that of the client. Raises openai.APIError."""
        if not payload.get("stream"):
            return self._client.chat.completions.create(**payload)
        return self._client.post(
            "/chat/completions",
            body=payload,
            cast_to=object,
            stream=True,
            stream_cls=WholeStream[object],
        )


class WholeStream(Stream[Item]):
    """A stream that is read to its end, so that the next answer finds the connection open."""

    def _iter_events(self) -> Iterator[Any]:
        events = super()._iter_events()
        for event in events:
            if event.data.startswith(END):
                for _ in events:
                    pass
            yield event
