"""A model or adapter in a folder -> a LangChain chat model that streams."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from workbench.artefacts.model_folder import end_tokens, positions_before_text
from workbench.errors import InvalidInput
from workbench.models.chat_format import Tools, Turn, fit_prompt
from workbench.models.generate import generate_tokens
from workbench.models.pieces import decode_whole, until
from workbench.models.tool_calls import CallReader, Form, call_chunk, form_of_calls
from workbench.models.weights import LoadedModel, load_local

ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}
LOOK_BACK = 16  # last tokens of a prompt, more than an opened thinking block takes


class ChatModelHere(BaseChatModel):
    """A chat model of this process. Each kind says how its text is made."""

    context_tokens: int = 8192
    answer_tokens: int = 1024
    temperature: float = 0.1
    top_p: float = 0.95

    @abstractmethod
    def pieces(
        self, turns: list[Turn], count: Count, tools: Tools = ()
    ) -> Generator[str, None, None]:
        """The answer in pieces of whole characters; an empty one only lets Stop through."""

    @abstractmethod
    def load_tokenizer(self) -> Any:
        """The tokenizer with the chat template."""

    @property
    def call_form(self) -> Form | None:
        """How the model writes calls of tools; None where its chat template has no tools."""
        return form_of_calls(self.load_tokenizer())

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **options: Any) -> Any:
        """The model that may call these tools. Raises InvalidInput where its template has none."""
        if self.call_form is None:
            raise InvalidInput(
                "The model's chat template has no place for tools.",
                "Choose a model that calls tools, such as Qwen or Llama 3.",
            )
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **options)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **options))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        tools: Tools = (),
        **options: Any,
    ) -> Iterator[ChatGenerationChunk]:
        turns = [_turn(message) for message in messages]
        count = Count()
        calls = CallReader(self.call_form if tools else None)
        with closing(self.pieces(turns, count, tools)) as pieces:
            for piece in until(pieces, stop or []):
                yield ChatGenerationChunk(message=AIMessageChunk(content=calls.feed(piece)))
        rest = calls.rest()
        if rest:
            yield ChatGenerationChunk(message=AIMessageChunk(content=rest))
        for number, call in enumerate(calls.calls):
            chunk = AIMessageChunk(content="", tool_call_chunks=[call_chunk(call, number)])
            yield ChatGenerationChunk(message=chunk)
        yield _last_chunk(count)


class LocalChatModel(ChatModelHere):
    """`folder` has a whole model or an adapter. Its weights are loaded on the first question."""

    folder: str

    @property
    def _llm_type(self) -> str:
        return "local"

    def get_num_tokens(self, text: str) -> int:
        """Tokens of the text by the model's own tokenizer."""
        return len(self.load_tokenizer().encode(text, add_special_tokens=False))

    def load_tokenizer(self) -> Any:
        """The tokenizer of the model in the folder; loads its weights too."""
        return load_local(Path(self.folder)).tokenizer

    def pieces(
        self, turns: list[Turn], count: Count, tools: Tools = ()
    ) -> Generator[str, None, None]:
        """The answer, made by transformers."""
        return stream(
            load_local(Path(self.folder)),
            turns,
            self.context_tokens,
            self.answer_tokens,
            self.temperature,
            count,
            self.top_p,
            tools,
        )


def _turn(message: BaseMessage) -> Turn:
    """The message as chat templates know it, with its calls or the call that it answers."""
    turn: Turn = {"role": ROLES.get(message.type, "user"), "content": str(message.text)}
    if isinstance(message, AIMessage) and message.tool_calls:
        turn["tool_calls"] = [
            {
                "type": "function",
                "id": call["id"],
                "function": {"name": call["name"], "arguments": call["args"]},
            }
            for call in message.tool_calls
        ]
    if isinstance(message, ToolMessage):
        turn |= {"name": message.name or "", "tool_call_id": message.tool_call_id}
    return turn


@dataclass
class Count:
    """Tokens of one answer, up to date while it streams."""

    prompt: int = 0
    made: int = 0

    def each(self, tokens: Iterable[int | None]) -> Iterator[int | None]:
        """The same tokens, counted as they pass; None is none."""
        for token in tokens:
            self.made += token is not None
            yield token


def stream(
    loaded: LoadedModel,
    turns: list[Turn],
    context_tokens: int,
    answer_tokens: int,
    temperature: float,
    count: Count,
    top_p: float = 0.95,
    tools: Tools = (),
) -> Generator[str, None, None]:
    """The answer in pieces of whole characters; closing the iterator stops the model.

    One answer at a time per base: the next waits. Raises InvalidInput where the last turn does
    not fit, Unavailable where the model fails.
    """
    with loaded.base.lock:
        loaded.choose_adapter()
        model = loaded.base.model
        tokenizer = loaded.tokenizer
        limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        if limit and loaded.folder:
            limit -= positions_before_text(loaded.folder)
        context = min(context_tokens, limit or context_tokens)
        prompt = fit_prompt(tokenizer, turns, room_of(context, answer_tokens), tools=tools)
        count.prompt = prompt["input_ids"].shape[1]
        options = sampling(loaded, temperature, top_p)
        options["max_new_tokens"] = min(answer_tokens, context - count.prompt)
        if opens_thinking(tokenizer, prompt["input_ids"][0]):
            yield "<think>"
        yield from decode_whole(tokenizer, count.each(generate_tokens(model, prompt, options)))


def room_of(context: int, answer_tokens: int) -> int:
    """Tokens that a prompt may have, so that an answer of that length has room as well."""
    return context - min(answer_tokens, context // 2)


def opens_thinking(tokenizer: Any, prompt: Any) -> bool:
    """Whether the template has opened a block of thinking, which the model only closes."""
    return tokenizer.decode(prompt[-LOOK_BACK:]).rstrip().endswith("<think>")


def _last_chunk(count: Count) -> ChatGenerationChunk:
    """No text, but the sign of the end and the token counts.

    LangChain fails on a stream without any chunk, so an empty answer needs it too.
    """
    usage = UsageMetadata(
        input_tokens=count.prompt,
        output_tokens=count.made,
        total_tokens=count.prompt + count.made,
    )
    return ChatGenerationChunk(
        message=AIMessageChunk(content="", usage_metadata=usage),
        generation_info={"done_reason": "stop"},
    )


def sampling(loaded: LoadedModel, temperature: float, top_p: float) -> dict[str, Any]:
    """Options of `generate`: greedy at temperature 0; every token that ends a turn stops it."""
    tokenizer = loaded.tokenizer
    ends = end_tokens(tokenizer, loaded.base.model.generation_config.eos_token_id)
    pad = tokenizer.pad_token_id
    if pad is None:
        pad = ends[0] if ends else 0
    options: dict[str, Any] = {"pad_token_id": pad, "eos_token_id": ends}
    if temperature > 0:
        return options | {"do_sample": True, "temperature": temperature, "top_p": top_p}
    # None takes away the base's own sampling settings, which would warn beside greedy search
    return options | {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
