"""A model's or adapter's folder -> its base in memory, loaded once per process, with the adapter chosen on it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.artefacts.model_folder import (
    base_of,
    digest_of,
    first_line,
    is_adapter,
    load_tokenizer,
    tokenizer_folder,
)
from workbench.errors import InvalidInput, NotFound, Unavailable
from workbench.extras import quiet_transformers
from workbench.messages import say


@dataclass
class LoadedBase:
    """A base model in memory and the adapters that have been put on it. One question at a time holds the lock."""

    model: Any
    adapters: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class LoadedModel:
    """A base with one adapter chosen on it, or with none (an empty name), and the tokenizer that belongs to both."""

    base: LoadedBase
    tokenizer: Any
    adapter: str = ""

    def choose_adapter(self) -> None:
        """Switch the base to this adapter, or to none. Only while holding the base's lock."""
        if self.adapter:
            self.base.model.set_adapter(self.adapter)
            self.base.model.enable_adapter_layers()
        elif self.base.adapters:
            self.base.model.disable_adapter_layers()


_loaded: dict[str, LoadedBase] = {}
_loading = threading.Lock()


def load_local(folder: Path) -> LoadedModel:
    """The model in that folder, its base loaded once per process; adapters are switched on it."""
    quiet_transformers()
    with _loading:
        tokenizer = load_tokenizer(tokenizer_folder(folder))
        base = _load_base(base_of(folder), len(tokenizer))
        if not is_adapter(folder):
            return LoadedModel(base, tokenizer)
        adapter = f"{folder.parent.name}_{digest_of(folder)[:16]}".replace(".", "_")
        if adapter not in base.adapters:
            _add_adapter(base, folder, adapter)
        return LoadedModel(base, tokenizer, adapter)


def _load_base(name: str, words: int) -> LoadedBase:
    """The base by folder or hub name, its vocabulary grown to `words`; another size or content is another base."""
    import torch
    from transformers import AutoModelForCausalLM

    key = f"{name} {words} {digest_of(Path(name))}"
    if key in _loaded:
        return _loaded[key]
    device = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(
            name, dtype="auto", use_safetensors=True, trust_remote_code=False
        )
        if words > model.get_input_embeddings().weight.shape[0]:
            model.resize_token_embeddings(words)
        model = (
            model.float() if device == "cpu" else model.to(device)
        )  # halves are slow or missing on CPUs
    except torch.cuda.OutOfMemoryError as error:
        raise Unavailable(
            "The GPU has no room for the model.",
            "Close other programs on it, or choose a smaller model.",
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise _not_loaded(name, error) from error
    model.eval()
    _loaded[key] = LoadedBase(model)
    return _loaded[key]


def _add_adapter(base: LoadedBase, folder: Path, name: str) -> None:
    """Put one more adapter on the base, on the base's own device."""
    from peft import PeftModel

    device = str(base.model.device)
    with base.lock:
        try:
            if base.adapters:
                base.model.load_adapter(str(folder), adapter_name=name, torch_device=device)
            else:
                base.model = PeftModel.from_pretrained(
                    base.model, str(folder), adapter_name=name, torch_device=device
                )
        except (RuntimeError, ValueError, OSError) as error:
            raise InvalidInput(
                say(
                    "The adapter {folder} does not fit its base: {error}",
                    folder=folder,
                    error=str(error).splitlines()[0],
                ),
                "Its base was changed or replaced; train it again, or restore the base.",
            ) from error
        base.model.eval()
        base.adapters.add(name)


def _not_loaded(name: str, error: Exception) -> NotFound:
    return NotFound(
        say("The model {name} cannot be loaded: {error}", name=name, error=first_line(error)),
        "It must be a folder in Hugging Face's layout with safetensors weights and no code of its "
        "own; an adapter's base must be where its adapter_config.json says.",
    )
