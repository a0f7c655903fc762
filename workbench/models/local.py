"""A transformers model on this machine (with a PEFT adapter, or without) as a LangChain chat model that streams."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from workbench.errors import InvalidInput, Unavailable
from workbench.messages import say
from workbench.models.weights import LoadedModel, load_local

ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}
# tokens that end a turn in the usual templates; a base tuned on one often still names another as its end of text
ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|endoftext|>")


class LocalChatModel(BaseChatModel):
    """`folder` holds a whole model, or an adapter whose config names its base. Loaded on the first question."""

    folder: str
    context_tokens: int = 8192
    answer_tokens: int = 1024
    temperature: float = 0.1

    @property
    def _llm_type(self) -> str:
        return "local"

    def get_num_tokens(self, text: str) -> int:
        return len(load_local(Path(self.folder)).tokenizer.encode(text, add_special_tokens=False))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        text = "".join(
            str(chunk.message.content)
            for chunk in self._stream(messages, stop, run_manager, **options)
        )
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> Iterator[ChatGenerationChunk]:
        turns = [
            {"role": ROLES.get(message.type, "user"), "content": str(message.text)}
            for message in messages
        ]
        pieces = stream(
            load_local(Path(self.folder)),
            turns,
            self.context_tokens,
            self.answer_tokens,
            self.temperature,
        )
        for piece in until(pieces, stop or []):
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))


def stream(
    loaded: LoadedModel,
    turns: list[dict[str, str]],
    context_tokens: int,
    answer_tokens: int,
    temperature: float,
) -> Iterator[str]:
    """The answer in pieces of whole characters, only what is new; closing the iterator stops the model.

    One answer at a time per base: the next waits. Raises InvalidInput where the last turn does not fit, Unavailable
    where the model fails.
    """
    with loaded.base.lock:
        loaded.choose_adapter()
        limit = getattr(loaded.base.model.config.get_text_config(), "max_position_embeddings", None)
        context = min(context_tokens, limit or context_tokens)
        prompt = fit_prompt(loaded.tokenizer, turns, context - min(answer_tokens, context // 2))
        size = prompt["input_ids"].shape[1]
        options = {
            "max_new_tokens": min(answer_tokens, context - size),
            **_sampling(loaded, temperature),
        }
        if loaded.tokenizer.decode(prompt["input_ids"][0][-16:]).rstrip().endswith("<think>"):
            yield "<think>"  # the template has opened the block, the model only closes it
        yield from decode_whole(
            loaded.tokenizer, _generate_tokens(loaded.base.model, prompt, options)
        )


def decode_whole(tokenizer: Any, tokens: Iterable[int]) -> Iterator[str]:
    """Text of the tokens as soon as it is whole: a character that is cut into bytes waits for its last one.

    Each step decodes from the last emitted piece on, because the spaces of many tokenizers depend on the token before.
    """
    ids: list[int] = []
    before = known = 0  # ids[before:known] is the last emitted piece
    for token in tokens:
        ids.append(token)
        emitted = tokenizer.decode(ids[before:known], skip_special_tokens=True)
        text = tokenizer.decode(ids[before:], skip_special_tokens=True)
        if len(text) > len(emitted) and not text.endswith("\ufffd"):
            yield text[len(emitted) :]
            before, known = known, len(ids)
    emitted = tokenizer.decode(ids[before:known], skip_special_tokens=True)
    if rest := tokenizer.decode(ids[before:], skip_special_tokens=True)[len(emitted) :].rstrip(
        "\ufffd"
    ):
        yield rest


def until(pieces: Iterable[str], stops: list[str]) -> Iterator[str]:
    """The pieces up to the first of the stop strings, which is left out; what may begin one is held back."""
    held = ""
    for piece in pieces:
        held += piece
        found = [place for stop in stops if (place := held.find(stop)) >= 0]
        if found:
            yield held[: min(found)]
            return
        keep = max(
            (n for stop in stops for n in range(1, len(stop)) if held.endswith(stop[:n])), default=0
        )
        if text := held[: len(held) - keep]:
            yield text
        held = held[len(held) - keep :]
    if held:
        yield held


def fit_prompt(tokenizer: Any, turns: list[dict[str, str]], room: int) -> Any:
    """Tokens of the chat template; the oldest turns are left out until they fit, system and last one stay."""
    if not tokenizer.chat_template:
        raise InvalidInput(
            "The model has no chat template, so it cannot be talked to.",
            "Choose an instruct or chat model, or tune one.",
        )
    system, turns = ([turns[0]], turns[1:]) if turns[0]["role"] == "system" else ([], list(turns))
    while True:
        prompt = _apply_template(tokenizer, system, turns)
        size = prompt["input_ids"].shape[1]
        if size <= room:
            return prompt
        if len(turns) <= 1:
            raise InvalidInput(
                say(
                    "The question with its passages has {size} tokens; the model has room for {room}.",
                    size=size,
                    room=room,
                ),
                "Ask a shorter question, or lower WORKBENCH_PASSAGES or WORKBENCH_ANSWER_TOKENS.",
            )
        turns = turns[2:] if len(turns) > 2 else turns[1:]


def _apply_template(
    tokenizer: Any, system: list[dict[str, str]], turns: list[dict[str, str]]
) -> Any:
    """The template's tokens; where it knows no system role, as Gemma's, the system text opens the first turn."""
    from jinja2 import TemplateError

    options = {"add_generation_prompt": True, "return_tensors": "pt", "return_dict": True}
    try:
        return tokenizer.apply_chat_template([*system, *turns], **options)
    except TemplateError as error:
        if system:
            first = {**turns[0], "content": f"{system[0]['content']}\n\n{turns[0]['content']}"}
            return _apply_template(tokenizer, [], [first, *turns[1:]])
        raise InvalidInput(
            say("The model's chat template refuses the conversation: {error}", error=error),
            "Start a new chat.",
        ) from error


def _sampling(loaded: LoadedModel, temperature: float) -> dict[str, Any]:
    """Greedy at 0; every token that ends a turn stops the model."""
    tokenizer, named = loaded.tokenizer, loaded.base.model.generation_config.eos_token_id
    words = tokenizer.get_vocab()
    ends = {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])} - {None}
    ends |= {words[end] for end in ENDS if end in words and end in str(tokenizer.chat_template)}
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(ends, default=0)
    options: dict[str, Any] = {"pad_token_id": pad, "eos_token_id": sorted(ends)}
    if temperature > 0:
        return options | {"do_sample": True, "temperature": temperature, "top_p": 0.95}
    return options | {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}


class _Tokens:
    """The streamer and the stopping rule of one `generate`: new tokens go to a queue until it is told to stop."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[int | None] = SimpleQueue()
        self.stopped = threading.Event()
        self._prompt = True

    def put(self, tokens: Any) -> None:
        if self._prompt:  # transformers gives the prompt first
            self._prompt = False
            return
        for token in tokens.flatten().tolist():
            self.queue.put(token)

    def end(self) -> None:
        """The end is told when `generate` has returned, so that a failure also ends the stream."""

    def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Any:
        import torch

        return torch.full((input_ids.shape[0],), self.stopped.is_set(), device=input_ids.device)


def _generate_tokens(model: Any, prompt: Any, options: dict[str, Any]) -> Iterator[int]:
    """New tokens as the model makes them, in a thread of its own; closing the iterator stops it."""
    import torch
    from transformers import StoppingCriteriaList

    tokens = _Tokens()

    def generate() -> None:
        with torch.inference_mode():
            model.generate(
                **prompt.to(model.device),
                **options,
                streamer=tokens,
                stopping_criteria=StoppingCriteriaList([tokens]),
            )

    with ThreadPoolExecutor(1, "generate") as pool:
        future = pool.submit(generate)
        future.add_done_callback(lambda _: tokens.queue.put(None))
        try:
            while (token := tokens.queue.get()) is not None:
                yield token
        finally:
            tokens.stopped.set()
        try:
            future.result()
        except RuntimeError as error:
            if "out of memory" in str(error).lower():
                fix = "Lower WORKBENCH_CONTEXT_TOKENS, or choose a smaller model."
                raise Unavailable("The model ran out of memory.", fix) from error
            raise Unavailable(
                say("The model failed: {error}", error=error),
                "Choose another model, or check its folder.",
            ) from error
