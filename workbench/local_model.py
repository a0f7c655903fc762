"""A transformers model on this machine (with a PEFT adapter, or without) as a LangChain chat model that streams."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from workbench.errors import InvalidInput, NotFound, Unavailable

ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


class LocalChatModel(BaseChatModel):
    """`folder` holds a whole model, or an adapter whose config names its base. Loaded on the first question."""

    folder: str
    context_tokens: int = 8192
    answer_tokens: int = 1024
    temperature: float = 0.1

    @property
    def _llm_type(self) -> str:
        return "local"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        text = "".join(str(chunk.message.content) for chunk in self._stream(messages, stop, run_manager, **options))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> Iterator[ChatGenerationChunk]:
        loaded = load_local(Path(self.folder))
        turns = [{"role": ROLES.get(message.type, "user"), "content": str(message.content)} for message in messages]
        for piece in loaded.stream(turns, self.context_tokens, self.answer_tokens, self.temperature):
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))


@dataclass
class LoadedBase:
    """A base model in memory, its tokenizer and the adapters that have been put on it. One question at a time."""

    model: Any
    tokenizer: Any
    adapters: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class LoadedModel:
    """A base with one adapter chosen on it, or with none (an empty name)."""

    base: LoadedBase
    adapter: str

    def stream(
        self, turns: list[dict[str, str]], context_tokens: int, answer_tokens: int, temperature: float
    ) -> Iterator[str]:
        """The answer in pieces of whole characters, only what is new; closing the iterator stops the model."""
        from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

        stopped = threading.Event()

        class Stopping(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **options: Any) -> bool:
                return stopped.is_set()

        with self.base.lock:
            self._choose_adapter()
            limit = getattr(self.base.model.config, "max_position_embeddings", None) or context_tokens
            prompt = self._prompt(turns, min(context_tokens, limit) - answer_tokens)
            streamer = TextIteratorStreamer(self.base.tokenizer, skip_prompt=True, skip_special_tokens=True)
            failure: list[BaseException] = []
            arguments = {
                **prompt, "streamer": streamer, "max_new_tokens": min(answer_tokens, limit - prompt["input_ids"].shape[1]),
                "stopping_criteria": StoppingCriteriaList([Stopping()]), **self._sampling(temperature),
            }  # fmt: skip
            worker = threading.Thread(
                target=_generate, args=(self.base.model, arguments, streamer, failure), daemon=True
            )
            worker.start()
            try:
                if self.base.tokenizer.decode(prompt["input_ids"][0][-6:]).rstrip().endswith("<think>"):
                    yield "<think>"  # the template has opened the block, the model only closes it
                yield from (piece for piece in streamer if piece)
            finally:
                stopped.set()
                worker.join()
            if failure:
                raise _generation_error(failure[0]) from failure[0]

    def _choose_adapter(self) -> None:
        model = self.base.model
        if self.adapter:
            model.set_adapter(self.adapter)
            model.enable_adapter_layers()
        elif self.base.adapters:
            model.disable_adapter_layers()

    def _sampling(self, temperature: float) -> dict[str, Any]:
        """Greedy at 0; every end token of the model stops it."""
        ends = self.base.model.generation_config.eos_token_id
        options: dict[str, Any] = {
            "pad_token_id": self.base.tokenizer.pad_token_id or self.base.tokenizer.eos_token_id,
            "eos_token_id": ends if ends is not None else self.base.tokenizer.eos_token_id,
        }
        sampled = {"do_sample": True, "temperature": temperature, "top_p": 0.95}
        return options | (
            sampled if temperature > 0 else {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        )

    def _prompt(self, turns: list[dict[str, str]], room: int) -> Any:
        """Tokens of the chat template; the oldest turns are left out until they fit, system and last one stay."""
        from jinja2 import TemplateError

        tokenizer = self.base.tokenizer
        if not tokenizer.chat_template:
            raise InvalidInput(
                "The model has no chat template, so it cannot be talked to.",
                "Choose an instruct or chat model, or tune one.",
            )
        while True:
            try:
                prompt = tokenizer.apply_chat_template(
                    turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
                )  # fmt: skip
            except TemplateError as error:
                raise InvalidInput(
                    f"The model's chat template refuses the conversation: {error}", "Start a new chat."
                ) from error
            size = prompt["input_ids"].shape[1]
            first = 1 if turns[0]["role"] == "system" else 0
            if size <= max(room, 1):
                return prompt.to(self.base.model.device)
            if len(turns) - first <= 1:
                raise InvalidInput(
                    f"The question with its passages has {size} tokens; the model has room for {room}.",
                    "Ask a shorter question, or lower WORKBENCH_PASSAGES or WORKBENCH_ANSWER_TOKENS.",
                )
            del turns[first : first + 2 if len(turns) - first > 2 else first + 1]


_loaded: dict[str, LoadedBase] = {}
_loading = threading.Lock()


def load_local(folder: Path) -> LoadedModel:
    """The model in that folder, its base loaded once per process; adapters are switched on it."""
    with _loading:
        config = folder / "adapter_config.json"
        if not config.exists():
            return LoadedModel(_base(str(folder), folder), "")
        name = json.loads(config.read_text("utf-8")).get("base_model_name_or_path") or ""
        tokenizer = folder if (folder / "tokenizer_config.json").exists() else Path(name)
        base = _base(name, tokenizer)
        adapter = str(folder).replace(".", "_").replace("/", "_") + f"_{config.stat().st_mtime_ns}"
        if adapter not in base.adapters:
            _add_adapter(base, folder, adapter)
        return LoadedModel(base, adapter)


def _base(name: str, tokenizer: Path) -> LoadedBase:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(str(tokenizer))
    key = f"{name}#{len(words)}"  # a resized vocabulary is another base
    if key in _loaded:
        return _loaded[key]
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(name, dtype="auto", use_safetensors=True)
        if len(words) > model.get_input_embeddings().weight.shape[0]:
            model.resize_token_embeddings(len(words))
        model = model.float() if device == "cpu" else model.to(device)  # halves are slow or missing on CPUs
    except (OSError, ValueError) as error:
        raise NotFound(
            f"The base model {name} cannot be loaded: {str(error).splitlines()[0]}",
            "Put it back where the adapter's adapter_config.json names it, or correct the path there.",
        ) from error
    except torch.cuda.OutOfMemoryError as error:
        raise Unavailable(
            "The GPU has no room for the model.", "Close other programs on it, or choose a smaller model."
        ) from error
    model.eval()
    _loaded[key] = LoadedBase(model, words)
    return _loaded[key]


def _add_adapter(base: LoadedBase, folder: Path, name: str) -> None:
    """Put one more adapter on the base, on the base's own device."""
    from peft import PeftModel

    try:
        if base.adapters:
            base.model.load_adapter(str(folder), adapter_name=name, torch_device=str(base.model.device))
        else:
            base.model = PeftModel.from_pretrained(
                base.model, str(folder), adapter_name=name, torch_device=str(base.model.device)
            )  # fmt: skip
    except (RuntimeError, ValueError, OSError) as error:
        raise InvalidInput(
            f"The adapter {folder} does not fit its base: {str(error).splitlines()[0]}",
            "Its base was changed or replaced; train it again, or restore the base.",
        ) from error
    base.model.eval()
    base.adapters.add(name)


def _generate(model: Any, arguments: dict[str, Any], streamer: Any, failure: list[BaseException]) -> None:
    import torch

    try:
        with torch.inference_mode():
            model.generate(**arguments)
    except (RuntimeError, ValueError, IndexError) as error:
        failure.append(error)
        streamer.end()


def _generation_error(error: BaseException) -> Unavailable:
    if "out of memory" in str(error).lower():
        return Unavailable("The model ran out of memory.", "Lower WORKBENCH_CONTEXT_TOKENS, or choose a smaller model.")
    return Unavailable(f"The model failed: {error}", "Choose another model, or check its folder.")
